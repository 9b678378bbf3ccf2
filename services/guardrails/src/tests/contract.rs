//! What callers rely on, which their fakes of this service run too: over a real connection.

use std::time::Duration;

use maily_contracts::guardrails::{CONFIG, Guardrails};
use maily_proto::guardrails::{
    ConfigFile, LoadConfigRequest, guardrails_client::GuardrailsClient, guardrails_server::GuardrailsServer,
};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint, Server, server::TcpIncoming};

use super::{NOBODY, guard_with};
use crate::grpc::Api;

struct Real(Channel);

impl Guardrails for Real {
    fn client(&self) -> GuardrailsClient<Channel> {
        GuardrailsClient::new(self.0.clone())
    }

    async fn forget(&self) {
        // It holds two: with two others loaded, whatever was held is gone.
        for other in ["one", "two"] {
            let content = format!("# {other}\n{CONFIG}").into_bytes();
            let files = vec![ConfigFile { path: "config.yml".into(), content }];
            self.client().load_config(LoadConfigRequest { files }).await.expect("loads");
        }
    }
}

async fn start() -> Real {
    let guard = guard_with(&[], NOBODY, Duration::from_secs(20));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = format!("http://{}", listener.local_addr().expect("is bound"));
    let service = GuardrailsServer::new(Api(guard)).max_decoding_message_size(crate::MAX_MESSAGE);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener)));
    Real(Endpoint::from_shared(address).expect("is a URI").connect_lazy())
}

maily_contracts::guardrails_suite!(start);
