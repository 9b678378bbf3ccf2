//! The gRPC API over a real connection: status codes and messages.

use futures::stream;
use maily_compliance::State;
use maily_compliance::api::Api;
use maily_proto::compliance as pb;
use maily_proto::compliance::compliance_client::ComplianceClient;
use maily_proto::compliance::compliance_server::ComplianceServer;
use maily_proto::compliance::import_request::Part;
use tokio::net::TcpListener;
use tonic::transport::{Channel, Server, server::TcpIncoming};
use tonic::{Code, Status};

use crate::common::{AS_OF, HEADER, SENDER, Service, list, page};

/// Serves a state on a loopback port.
pub(crate) async fn serve(state: State) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Server::builder().add_service(ComplianceServer::new(Api::new(state)));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    port
}

pub(crate) async fn connect(port: u16) -> ComplianceClient<Channel> {
    ComplianceClient::connect(format!("http://127.0.0.1:{port}")).await.unwrap()
}

pub(crate) fn parts(campaign: &str, as_of: &str, list: &[u8]) -> Vec<pb::ImportRequest> {
    let header = pb::ImportHeader {
        campaign_id: campaign.into(),
        as_of: as_of.into(),
        sender_country: SENDER.country.into(),
        sender_address: SENDER.address.into(),
        caller: String::new(),
    };
    let chunks = list.chunks(200_000).map(|chunk| Part::Chunk(chunk.to_vec()));
    std::iter::once(Part::Header(header))
        .chain(chunks)
        .map(|part| pb::ImportRequest { part: Some(part) })
        .collect()
}

fn said<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    (status.code(), status.message().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_over_the_wire() {
    let service = Service::start(10).await;
    let mut client = connect(serve(service.state.clone()).await).await;
    let list = list(60);
    for _ in 0..2 {
        let reply = client.import(stream::iter(parts("c", AS_OF, list.as_bytes()))).await.unwrap();
        assert_eq!(reply.into_inner().rows, 60);
    }
    let at = Some(page("c", "en-GB/seg0", "us", 0));
    let recipients =
        client.recipients(pb::RecipientsRequest { page: at.clone() }).await.unwrap().into_inner();
    assert_eq!(recipients.recipients.len(), 10);
    let request = pb::HandOffRequest { page: at.clone(), segment: "s".into() };
    let reply = client.hand_off(request).await.unwrap().into_inner();
    assert_eq!((reply.handed_off, reply.suppressed), (10, 0));
    assert_eq!(client.release(pb::ReleaseRequest { page: at }).await.unwrap().into_inner().records.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_codes_and_sentences() {
    let service = Service::start(10).await;
    let mut client = connect(serve(service.state.clone()).await).await;
    let list = list(60);
    let import =
        |campaign: &str, as_of: &str, list: &str| stream::iter(parts(campaign, as_of, list.as_bytes()));
    client.import(import("c", AS_OF, &list)).await.unwrap();
    let bad = said(client.import(import("d", AS_OF, &format!("{HEADER}1,\"a@b.de"))).await);
    assert_eq!(bad, (Code::InvalidArgument, "line 2: a quote is opened and never closed".into()));
    assert_eq!(said(client.import(import("d", "now", &list)).await).0, Code::InvalidArgument);
    assert_eq!(said(client.import(import("c", AS_OF, HEADER)).await).0, Code::AlreadyExists);
    let headless = stream::iter(parts("d", AS_OF, list.as_bytes()).split_off(1));
    assert_eq!(
        said(client.import(headless).await),
        (Code::InvalidArgument, "the first part must be the header".into())
    );
    assert_eq!(said(client.import(stream::empty()).await).0, Code::InvalidArgument);
    let twice = [parts("d", AS_OF, HEADER.as_bytes()), parts("d", AS_OF, b"")].concat();
    assert_eq!(said(client.import(stream::iter(twice)).await).0, Code::InvalidArgument);

    let missing = || pb::SummaryRequest { campaign_id: "d".into() };
    let nothing = (Code::NotFound, "no import of this campaign has finished".to_owned());
    assert_eq!(said(client.summary(missing()).await), nothing);
    let rows = |limit| pb::InvalidRowsRequest { campaign_id: "d".into(), after_line: 0, limit };
    assert_eq!(said(client.invalid_rows(rows(0)).await), nothing);
    assert_eq!(said(client.invalid_rows(rows(10_001)).await).0, Code::InvalidArgument);
    assert_eq!(said(client.recipients(pb::RecipientsRequest { page: None }).await).0, Code::InvalidArgument);
    let at = Some(page("c", "en-GB/seg0", "us", 0));
    let early = said(client.release(pb::ReleaseRequest { page: at }).await);
    assert_eq!(early, (Code::FailedPrecondition, "the page was not handed off".into()));
}
