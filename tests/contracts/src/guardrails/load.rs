//! Configurations: held under the id of their files, asked for again where they are not, refused by line.

use maily_proto::guardrails::Piece;
use tonic::Code;

use super::{CONFIG, Calls as _, Guardrails, UNKNOWN, code, email, file, piece};

/// No verdict without the configuration: a replica that has not got it says so, and loading it is enough.
pub async fn what_is_not_held_has_to_be_loaded(service: &impl Guardrails) {
    let all = async |id: &str| {
        [
            service.input(id, "a brief").await,
            service.piece(piece(id, Piece::Subject, "A subject")).await,
            service.email(email(id)).await,
        ]
    };
    let missing = async |id: &str| {
        for answer in all(id).await {
            assert_eq!(code(answer), Code::FailedPrecondition);
        }
    };
    missing(UNKNOWN).await;
    let id = service.load(CONFIG).await.unwrap();
    for answer in all(&id).await {
        assert!(answer.unwrap().passed);
    }
    missing(UNKNOWN).await;
    service.forget().await;
    missing(&id).await;
    assert_eq!(service.load(CONFIG).await.unwrap(), id);
    for answer in all(&id).await {
        assert!(answer.unwrap().passed);
    }
}

/// The id is the files', on every replica, in whatever order they come.
pub async fn the_same_files_have_the_same_id(service: &impl Guardrails) {
    let files = [file("config.yml", CONFIG), file("notes.md", "Why.")];
    let id = service.load_files(files.to_vec()).await.unwrap();
    assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    let [config, notes] = files;
    assert_eq!(service.load_files(vec![notes.clone(), config.clone()]).await.unwrap(), id);
    for other in [
        vec![config.clone()],
        vec![config.clone(), file("notes.md", "Why not.")],
        vec![config, file("note.md", "sWhy.")],
    ] {
        assert_ne!(service.load_files(other).await.unwrap(), id);
    }
}

/// What a configuration asks for and nobody runs stops the load, by file, line and key.
pub async fn what_is_not_known_is_refused_with_its_line(service: &impl Guardrails) {
    for (yaml, sentence) in [
        ("rails: {}\n\nforbidden: true\n", "config.yml:3: unknown key forbidden"),
        ("rails:\n  inputs: {}\n", "config.yml:2: unknown key rails.inputs"),
        ("rails:\n  output:\n    flows: [no such rail]\n", "config.yml:3: unknown flow `no such rail`"),
        ("rails: [\n", "config.yml:"),
        ("", "config.yml: there is no configuration in the files"),
    ] {
        let refused = service.load(yaml).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(sentence), "{}", refused.message());
    }
    let twice = vec![file("config.yml", CONFIG), file("config.yml", CONFIG)];
    assert_eq!(code(service.load_files(twice).await), Code::InvalidArgument);
    assert_eq!(code(service.load_files(vec![file("../config.yml", CONFIG)]).await), Code::InvalidArgument);
    let many = (0..65).map(|at| file(&format!("{at}.md"), "x")).collect();
    assert_eq!(code(service.load_files(many).await), Code::InvalidArgument);
}
