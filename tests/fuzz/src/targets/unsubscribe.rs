//! Unsubscribe links: tokens, and bodies of the one-click request under a token that is good.

use axum::{
    body::Body,
    http::{Request, header},
};
use maily_compliance::opt_out::router;
use maily_proto::compliance::Page;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use super::{
    Kind, Target,
    list::{Place, import, place},
    runtime, text,
};

const LIST: &str = "id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed\n\
    1,a@mail.example,Anna,US,en-GB,one,1980,express,2025-01-01T00:00:00Z,form,false\n";
/// Stands in an input for a token that was issued.
const TOKEN: &str = "TOKEN";

/// A token, a content type and a body, each on a line; the body may have more.
pub(super) const UNSUBSCRIBE: Kind = Kind {
    name: "unsubscribe",
    what: "tokens of unsubscribe links, and one-click requests (maily_compliance)",
    dictionary: &[
        TOKEN,
        "List-Unsubscribe=One-Click",
        "List-Unsubscribe",
        "One-Click",
        "multipart/form-data; boundary=",
        "application/x-www-form-urlencoded",
        "--x7\r\n",
        "--x7--\r\n",
        "Content-Disposition: form-data; name=\"",
        "\r\n\r\n",
        "&",
        "=",
        "%",
        "+",
        "AAAA",
        "_-",
    ],
    longest: 8 << 10,
    runs: 1_500,
    seeds: || Ok(Vec::new()),
    make: || {
        let runtime = runtime()?;
        let place = place(&runtime)?;
        import(&runtime, &place.state, "c", LIST.as_bytes()).map_err(|error| error.to_string())?;
        let page = Page { campaign_id: "c".into(), cohort: "en-GB/one".into(), region: "us".into(), page: 0 };
        let recipients =
            runtime.block_on(place.state.recipients(&page)).map_err(|error| error.to_string())?;
        let token = recipients.into_iter().next().ok_or("nobody to write to")?.unsubscribe_token;
        Ok(Box::new(Unsubscribe { runtime, place, token }))
    },
};

struct Unsubscribe {
    runtime: Runtime,
    place: Place,
    token: String,
}

impl Target for Unsubscribe {
    fn run(&mut self, input: &[u8]) -> String {
        let mut lines = input.splitn(3, |byte| *byte == b'\n');
        let mut next = || lines.next().unwrap_or_default();
        let (token, kind, body) = (text(next()).replace(TOKEN, &self.token), next(), next().to_vec());
        let known = self.place.state.knows(&token);
        let request = Request::post(format!("/u/{token}"));
        // A content type that can't be one is left out.
        let request = match axum::http::HeaderValue::from_bytes(kind) {
            Ok(kind) => request.header(header::CONTENT_TYPE, kind),
            Err(_) => request,
        };
        let Ok(request) = request.body(Body::from(body)) else { return format!("no request, {known}") };
        let answered = self.runtime.block_on(router(self.place.state.clone()).oneshot(request));
        let response = answered.unwrap_or_else(|never| match never {});
        format!("{known} {:?}", response.status().canonical_reason())
    }
}
