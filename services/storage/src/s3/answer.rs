//! What every answer has: an id that the logs have too, a message with each error's code, and XML that says what the keys
//! are. And the answers that are made without s3s.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use maily_chassis::Problem;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// Marks an answer that has an object's bytes, which stay as they are whatever their type.
#[derive(Clone, Copy)]
pub(super) struct ObjectBytes;

/// Marks an answer whose ETag is without quotes, as S3's to *GetObjectAttributes* is; s3s writes all of them with quotes.
#[derive(Clone, Copy)]
pub(super) struct BareTag;

/// An error as S3 puts it.
pub(crate) fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(CONTENT_TYPE, "application/xml")], Body::from(body)).into_response()
}

/// The answer to whom is told to come again. *Error responses* (Amazon S3 API Reference): `SlowDown`, "Please reduce your
/// request rate", 503.
pub(crate) fn slow_down() -> Response {
    let response = refuse(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.");
    identified(later(response), &new_id())
}

fn later(mut response: Response) -> Response {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// A refusal of the listener itself, which keeps its `Retry-After`, as S3 puts it. *Error responses* (Amazon S3 API Reference):
/// `RequestTimeout` is 400.
pub(crate) fn by_the_listener(problem: &Problem) -> Response {
    let (status, code) = match problem.status() {
        status @ StatusCode::FORBIDDEN => (status, "AccessDenied"),
        StatusCode::REQUEST_TIMEOUT => (StatusCode::BAD_REQUEST, "RequestTimeout"),
        status @ (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => (status, "SlowDown"),
        status => (status, "InternalError"),
    };
    let sentence = problem.sentence().replace('&', "&amp;").replace('<', "&lt;");
    identified(refuse(status, code, &sentence), &new_id())
}

fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Completes the answers of the service.
pub(super) async fn complete(request: Request, next: Next) -> Response {
    let (id, head) = (new_id(), request.method() == Method::HEAD);
    let span = tracing::info_span!("s3", request_id = %id);
    let response = next.run(request).instrument(span).await;
    let response = if is_xml(&response) { rewritten(response, &id).await } else { response };
    let response = partial(response);
    let response =
        if response.status() == StatusCode::SERVICE_UNAVAILABLE { later(response) } else { response };
    let silent = response.status() == StatusCode::NOT_MODIFIED || (head && !response.status().is_success());
    identified(if silent { without_body(response) } else { response }, &id)
}

fn identified(mut response: Response, id: &str) -> Response {
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// What is a part of an object says so, also of `HEAD`, for which s3s has 200 alone.
fn partial(mut response: Response) -> Response {
    let is_object = response.extensions().get::<ObjectBytes>().is_some();
    if is_object && response.status() == StatusCode::OK && response.headers().contains_key(CONTENT_RANGE) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

fn is_xml(response: &Response) -> bool {
    let xml = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/xml");
    xml && response.extensions().get::<ObjectBytes>().is_none()
}

/// HTTP/2 would send the body of an answer to `HEAD`, which has none.
fn without_body(response: Response) -> Response {
    let (mut head, _) = response.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove(CONTENT_TYPE);
    Response::from_parts(head, Body::empty())
}

async fn rewritten(response: Response, id: &str) -> Response {
    let (mut head, body) = response.into_parts();
    // As long as the longest page: what s3s makes is in memory already.
    let Ok(xml) = to_bytes(body, usize::MAX).await else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The answer could not be made.");
    };
    let mut xml = escaped(&xml);
    if head.extensions.get::<BareTag>().is_some() {
        xml = bare(xml);
    }
    if !head.status.is_success() {
        xml = explained(xml, id);
    }
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(xml))
}

/// Control characters as references: raw, XML takes `\r` for `\n`, and others for an error. *Naming Amazon S3 objects*
/// (Amazon S3 User Guide): "carriage returns and other special characters must be replaced with their equivalent XML
/// entity code when they are inserted within XML tags". s3s writes none between elements, so all are in names.
fn escaped(xml: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(xml.len());
    for byte in xml {
        match byte {
            0..0x20 => escaped.extend(format!("&#x{byte:X};").into_bytes()),
            _ => escaped.push(*byte),
        }
    }
    escaped
}

/// The same with its ETag without quotes.
fn bare(xml: Vec<u8>) -> Vec<u8> {
    let Ok(text) = String::from_utf8(xml) else { return Vec::new() };
    text.replacen("<ETag>\"", "<ETag>", 1).replacen("\"</ETag>", "</ETag>", 1).into_bytes()
}

/// An error with its message and the request's id.
fn explained(xml: Vec<u8>, id: &str) -> Vec<u8> {
    let Ok(mut text) = String::from_utf8(xml) else { return Vec::new() };
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let Some(message) = code.map(|(code, _)| message(code)) else { return text.into_bytes() };
    if !text.contains("<Message>") {
        text = text.replacen("</Code>", &format!("</Code><Message>{message}</Message>"), 1);
    }
    text.replacen("</Error>", &format!("<RequestId>{id}</RequestId></Error>"), 1).into_bytes()
}

/// What is said with a code where nothing more is known; S3's words, mostly.
pub(super) fn message(code: &str) -> &'static str {
    match code {
        "AccessDenied" => "Access Denied",
        "BadDigest" => "The checksum you specified did not match what we received.",
        "BucketAlreadyExists" => "The name is taken by a bucket in another region.",
        "BucketAlreadyOwnedByYou" => "You have made this bucket already.",
        "BucketNotEmpty" => "The bucket you tried to delete is not empty.",
        "EntityTooSmall" => "Your proposed upload is smaller than the minimum allowed size.",
        "IncompleteBody" => "You did not provide the number of bytes specified by the Content-Length header.",
        "InternalError" => "The service failed; try again.",
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidPartOrder" => {
            "The list of parts was not in ascending order. The parts list must be specified in order by part number."
        }
        "InvalidRange" => "The requested range is not satisfiable.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long: it may have 1024 bytes.",
        "MalformedXML" => {
            "The XML that you provided was not well formed or did not validate against our schema."
        }
        "MaxMessageLengthExceeded" => "Your request was too large.",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "MissingRequestBodyError" => "The request's body is empty.",
        "NoSuchBucket" => "The specified bucket does not exist.",
        "NoSuchKey" => "The specified key does not exist.",
        "NoSuchUpload" => {
            "The specified multipart upload does not exist: its id may be wrong, or it was aborted or completed."
        }
        "NoSuchVersion" => "The version id specified does not match an existing version.",
        "NotImplemented" => "What you asked for is not implemented.",
        "PreconditionFailed" => "At least one of the pre-conditions you specified did not hold",
        "RequestTimeout" => "The request's body came too slowly.",
        "RequestTimeTooSkewed" => {
            "The difference between the request time and the server's time is too large."
        }
        "ServiceUnavailable" | "SlowDown" => "Please reduce your request rate.",
        "SignatureDoesNotMatch" => {
            "The request signature that we calculated does not match the signature that you provided."
        }
        _ => "The request can't be served as it is.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(xml: &str) -> String {
        String::from_utf8(explained(escaped(xml.as_bytes()), "7")).unwrap()
    }

    #[test]
    fn an_error_has_a_message_and_an_id() {
        assert_eq!(
            says("<Error><Code>NoSuchUpload</Code></Error>"),
            "<Error><Code>NoSuchUpload</Code><Message>The specified multipart upload does not exist: its id may be \
             wrong, or it was aborted or completed.</Message><RequestId>7</RequestId></Error>"
        );
        assert_eq!(
            says("<Error><Code>A</Code><Message>b</Message></Error>"),
            "<Error><Code>A</Code><Message>b</Message><RequestId>7</RequestId></Error>"
        );
        assert!(says("<Error><Code>Unheard</Code></Error>").contains("<Message>The request"));
    }

    #[tokio::test]
    async fn the_listeners_refusals_are_s3s() {
        for (status, told, code) in
            [(503, 503, "SlowDown"), (408, 400, "RequestTimeout"), (403, 403, "AccessDenied")]
        {
            let problem = Problem::new(StatusCode::from_u16(status).unwrap(), "no");
            let answer = by_the_listener(&problem);
            assert!(answer.status() == told && answer.headers().contains_key(REQUEST_ID), "{status}");
            let xml = to_bytes(answer.into_body(), 4_096).await.unwrap();
            let said = format!("<Code>{code}</Code><Message>no</Message>");
            assert!(String::from_utf8_lossy(&xml).contains(&said), "{xml:?}");
        }
        // A body is as slow to the service itself, which waits for it longer.
        let slow = s3s::S3Error::from(crate::error::Error::Slow);
        let told = (slow.code().as_str(), slow.status_code());
        assert_eq!(told, ("RequestTimeout", Some(StatusCode::BAD_REQUEST)));
    }

    #[test]
    fn control_characters_are_told_apart() {
        let xml = escaped("<Key>a\r\nb\tc\u{1}é&#xD;</Key>".as_bytes());
        assert_eq!(String::from_utf8(xml).unwrap(), "<Key>a&#xD;&#xA;b&#x9;c&#x1;é&#xD;</Key>");
    }
}
