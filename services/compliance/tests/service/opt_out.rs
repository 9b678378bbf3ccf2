//! RFC 8058 at the edge.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use maily_compliance::opt_out::router;
use tower::ServiceExt;

use crate::common::{Service, import, list, page};

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
const FORM: &str = "application/x-www-form-urlencoded";

async fn send(
    service: &Service,
    method: Method,
    token: &str,
    kind: Option<&str>,
    body: impl Into<Body>,
) -> Response {
    let mut request = Request::builder().method(method).uri(format!("/u/{token}"));
    if let Some(kind) = kind {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    router(service.state.clone()).oneshot(request.body(body.into()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn service() -> (Service, Vec<String>) {
    let service = Service::start(100).await;
    import(&service.state, "c", list(66)).await.unwrap();
    let recipients = service.state.recipients(&page("c", "en-GB/seg0", "us", 0)).await.unwrap();
    let tokens = recipients.into_iter().map(|recipient| recipient.unsubscribe_token).collect();
    (service, tokens)
}

async fn left(service: &Service) -> usize {
    service.state.recipients(&page("c", "en-GB/seg0", "us", 0)).await.unwrap().len()
}

fn multipart(name: &str, value: &str) -> String {
    format!("--x7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--x7--\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_one_click_post_opts_out() {
    let (service, tokens) = service().await;
    let token = &tokens[0];
    let form_data = "multipart/form-data; boundary=x7";
    for (kind, body) in [
        (Some(FORM), " ".into()),
        (Some(FORM), "List-Unsubscribe=Two-Clicks".into()),
        (Some(FORM), "x=List-Unsubscribe%3DOne-Click".into()),
        (Some(FORM), format!("{ONE_CLICK}&{}", "x".repeat(8_200))),
        (Some("application/json"), "{}".into()),
        (Some(form_data), multipart("List-Unsubscribe", "No")),
        (Some(form_data), multipart("x", "One-Click")),
        (Some(form_data), "--x7\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"".into()),
    ] {
        let response = send(&service, Method::POST, token, kind, body.clone()).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{kind:?} {body:?}");
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let response = send(&service, method, token, Some(FORM), ONE_CLICK).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(left(&service).await, 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pair_counts_however_clients_send_it() {
    let (service, tokens) = service().await;
    let form_data = "multipart/form-data; boundary=x7";
    let ways = [
        (Some(FORM), ONE_CLICK.to_owned()),
        (Some("application/x-www-form-urlencoded; charset=UTF-8"), format!("{ONE_CLICK}\r\n")),
        (None, format!("{ONE_CLICK}&x=1")),
        (Some("text/plain"), format!("x: 1\n{ONE_CLICK}  \n")),
        (Some("application/json"), ONE_CLICK.into()),
        (Some("\u{fc}"), "list-unsubscribe=one-click".into()),
        (None, String::new()),
        (Some(form_data), multipart("List-Unsubscribe", "One-Click")),
        (Some("multipart/form-data"), multipart("List-Unsubscribe", "One-Click\n")),
        (Some("application/octet-stream"), multipart("List-Unsubscribe", "One-Click")),
        (
            Some(form_data),
            format!(
                "{}{}",
                multipart("a", "b").replace("--x7--\r\n", ""),
                multipart("List-Unsubscribe", "One-Click")
            ),
        ),
    ];
    assert_eq!(ways.len(), tokens.len());
    for ((kind, body), token) in ways.iter().zip(&tokens) {
        let response = send(&service, Method::POST, token, *kind, body.clone()).await;
        assert_eq!(response.status(), StatusCode::OK, "{kind:?} {body:?}");
    }
    assert_eq!(left(&service).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_spelled_otherwise_is_the_same() {
    let (service, tokens) = service().await;
    let spelled: String = tokens[0].bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(send(&service, Method::POST, &spelled, Some(FORM), ONE_CLICK).await.status(), StatusCode::OK);
    assert_eq!(left(&service).await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeating_is_fine_and_recorded_once() {
    let (service, tokens) = service().await;
    for _ in 0..3 {
        assert_eq!(
            send(&service, Method::POST, &tokens[0], Some(FORM), ONE_CLICK).await.status(),
            StatusCode::OK
        );
    }
    assert_eq!(service.state.verify().await.unwrap().links["us"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn get_and_head_change_nothing_and_show_nothing() {
    let (service, tokens) = service().await;
    for method in [Method::GET, Method::HEAD] {
        let response = send(&service, method.clone(), &tokens[0], None, Body::empty()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert!(headers.get(header::SET_COOKIE).is_none());
        let page = text(response).await;
        assert_eq!(page.is_empty(), method == Method::HEAD);
        assert!(!page.contains("p0") && !page.contains("Name") && !page.contains(&tokens[0]));
        if method == Method::GET {
            // The button sends what the endpoint accepts.
            assert!(page.contains("<form method=\"post\">") && page.contains("lang=\"en\""));
            assert!(page.contains("name=\"List-Unsubscribe\" value=\"One-Click\""));
        }
    }
    assert_eq!(left(&service).await, 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_in_the_language_that_the_browser_asks_for() {
    let (service, tokens) = service().await;
    let known = tokens[0].as_str();
    for (method, token, body, said) in [
        (Method::GET, known, "", "Möchten Sie diese E-Mails nicht mehr erhalten?"),
        (Method::POST, known, "x", "Diese Anfrage ist ungültig"),
        (Method::POST, "x", ONE_CLICK, "Dieser Link ist ungültig"),
        (Method::POST, known, ONE_CLICK, "Sie sind abgemeldet"),
    ] {
        let request = Request::builder().method(method.clone()).uri(format!("/u/{token}"));
        let request = request.header(header::ACCEPT_LANGUAGE, "tlh, de-AT;q=0.9, en;q=0.8");
        let request = request.header(header::CONTENT_TYPE, FORM).body(Body::from(body)).unwrap();
        let response = router(service.state.clone()).oneshot(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_LANGUAGE], "de");
        assert_eq!(response.headers()[header::VARY], "accept-language");
        let page = text(response).await;
        assert!(page.contains("<html lang=\"de\">") && page.contains(said), "{method} {token}: {page}");
    }
    assert_eq!(left(&service).await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unknown_token_gets_the_same_answer() {
    let (service, tokens) = service().await;
    let mut answers = Vec::new();
    let flipped = if tokens[0].ends_with('A') { "B" } else { "A" };
    let tampered = format!("{}{flipped}", tokens[0].split_at(43).0);
    let other = Service::start(100).await;
    import(&other.state, "c", list(6)).await.unwrap();
    let foreign =
        other.state.recipients(&page("c", "en-GB/seg0", "us", 0)).await.unwrap()[0].unsubscribe_token.clone();
    for token in [tampered.as_str(), &foreign, "x", &"A".repeat(44), &"A".repeat(4_000), "%00", "%ff"] {
        for (method, body) in [(Method::GET, ""), (Method::POST, ONE_CLICK), (Method::POST, "x")] {
            let response = send(&service, method, token, Some(FORM), body).await;
            if token == "%ff" {
                assert!(response.status().is_client_error());
                continue;
            }
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{token}");
            answers.push(text(response).await);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(left(&service).await, 11);
}
