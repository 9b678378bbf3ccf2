//! Verdicts: passed without a violation, or each violation by rail and field.

use maily_proto::guardrails::{CheckEmailRequest, CheckPieceRequest, Piece};
use tonic::Code;

use super::{CONFIG, Calls as _, FORBIDDEN, Guardrails, code, email, found, piece};

/// What is forbidden, beside something that no reason may repeat.
const BAD: &str = "Secret words that are forbidden.";

/// The input rails.
pub async fn a_brief_passes_or_not(service: &impl Guardrails) {
    let id = service.load(CONFIG).await.unwrap();
    assert_eq!(found(&service.input(&id, "Our spring sale has started.").await.unwrap()), []);
    assert_eq!(found(&service.input(&id, BAD).await.unwrap()), [("regex check input", "input")]);
    // "Passed" never means that no rail has looked.
    let bare = service.load("rails: {}\n").await.unwrap();
    assert_eq!(code(service.input(&bare, "Our spring sale has started.").await), Code::InvalidArgument);
}

/// The output rails that one piece is enough for: the violation names the piece.
pub async fn a_piece_passes_or_not(service: &impl Guardrails) {
    let id = service.load(CONFIG).await.unwrap();
    for (kind, field) in [(Piece::Subject, "subject"), (Piece::Preheader, "preheader"), (Piece::Body, "body")]
    {
        assert_eq!(found(&service.piece(piece(&id, kind, "New pots.")).await.unwrap()), []);
        let refused = service.piece(piece(&id, kind, BAD)).await.unwrap();
        assert_eq!(found(&refused), [("regex check output", field)]);
    }
}

/// Every output rail, on the pieces and on the mail around them.
pub async fn a_whole_email_passes_or_not(service: &impl Guardrails) {
    let id = service.load(CONFIG).await.unwrap();
    let good = email(&id);
    assert_eq!(found(&service.email(good.clone()).await.unwrap()), []);
    let subject = CheckEmailRequest { subject: BAD.into(), ..good.clone() };
    assert_eq!(found(&service.email(subject).await.unwrap()), [("regex check output", "subject")]);
    let text = CheckEmailRequest { text_part: good.text_part.clone() + FORBIDDEN, ..good.clone() };
    assert_eq!(found(&service.email(text).await.unwrap()), [("regex check output", "email")]);
    let none = String::new;
    for closed in [
        CheckEmailRequest { list_unsubscribe: none(), ..good.clone() },
        CheckEmailRequest { list_unsubscribe_post: "List-Unsubscribe=One-Tap".into(), ..good.clone() },
        CheckEmailRequest { text_part: good.body.clone(), ..good.clone() },
        CheckEmailRequest { html_part: format!("<p>{}</p>", good.body), ..good.clone() },
    ] {
        let verdict = service.email(closed).await.unwrap();
        assert_eq!(found(&verdict), [("email check unsubscribe", "email")]);
    }
}

/// Rails run in the configuration's order: a rewrite is told all that the first no is about, and no rail behind it runs.
pub async fn the_first_rail_that_says_no_tells_all(service: &impl Guardrails) {
    let id = service.load(CONFIG).await.unwrap();
    let good = email(&id);
    let bad = CheckEmailRequest {
        subject: BAD.into(),
        body: BAD.into(),
        list_unsubscribe: String::new(),
        ..good.clone()
    };
    let verdict = service.email(bad).await.unwrap();
    let output = "regex check output";
    assert_eq!(found(&verdict), [(output, "subject"), (output, "body")]);
}

/// What can't be judged is no violation but a refusal: the caller is at fault.
pub async fn a_malformed_request_is_refused(service: &impl Guardrails) {
    let id = service.load(CONFIG).await.unwrap();
    let long = "x".repeat((64 << 10) + 1);
    for (id, text) in [("", "x"), ("config", "x"), (&id.to_uppercase(), "x"), (&id, " "), (&id, &long)] {
        assert_eq!(code(service.input(id, text).await), Code::InvalidArgument, "{id}");
    }
    let good = piece(&id, Piece::Body, "New pots.");
    for request in [
        CheckPieceRequest { sources: None, ..good.clone() },
        CheckPieceRequest { piece: Piece::Unspecified.into(), ..good.clone() },
        CheckPieceRequest { piece: 99, ..good.clone() },
        CheckPieceRequest { text: long.clone(), ..good.clone() },
        CheckPieceRequest { config_id: "config".into(), ..good },
    ] {
        assert_eq!(code(service.piece(request).await), Code::InvalidArgument);
    }
    for request in [
        CheckEmailRequest { sources: None, ..email(&id) },
        CheckEmailRequest { body: long, ..email(&id) },
        CheckEmailRequest { config_id: "config".into(), ..email(&id) },
    ] {
        assert_eq!(code(service.email(request).await), Code::InvalidArgument);
    }
}
