//! The command: its words, what it refuses, and what it asks of an officer listener.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, extract::Request, http::StatusCode, response::IntoResponse as _};
use clap::{CommandFactory as _, Parser as _};
use expect_test::expect;
use maily_chassis::{Edge, Problem};
use maily_client::DATA;
use maily_testkit::{Authority, write_private};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{carry_out, cli::OfficerCommand, input::Asked, order::Order};

/// What a listener was asked: path and body.
type Heard = Arc<Mutex<Vec<(String, Value)>>>;

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// An officer listener that answers everything with the same.
struct Service {
    dir: TempDir,
    url: String,
    heard: Heard,
}

impl Service {
    async fn start(status: u16, answer: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = Authority::open(dir.path()).unwrap().edge(&[]).unwrap();
        write_private(&dir.path().join("officer.key"), b"a key\n").unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = Edge::new(listen, certificate, key);
        let acceptor = maily_chassis::tls::edge_server(&config).unwrap().into();
        let listener = TcpListener::bind(listen).await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let heard = Heard::default();
        let hearing = heard.clone();
        let router = Router::new().fallback(async move |request: Request| {
            assert_eq!(
                (request.method().as_str(), &request.headers()["authorization"]),
                ("POST", &"Bearer a key".parse().unwrap())
            );
            let path = request.uri().path().to_owned();
            let body = axum::body::to_bytes(request.into_body(), 2 << 20).await.unwrap();
            hearing.lock().unwrap().push((path, serde_json::from_slice(&body).unwrap()));
            let status = StatusCode::from_u16(status).unwrap();
            match answer.as_str() {
                Some(sentence) => Problem::new(status, "no").detail(sentence).into_response(),
                None => (status, Json(answer.clone())).into_response(),
            }
        });
        tokio::spawn(async move { axum::serve(Tls { listener, acceptor }, router).await });
        Self { dir, url, heard }
    }

    /// Runs a command where nobody can be asked; what it prints, or its exit code and sentence.
    async fn run(&self, words: &[&str]) -> Result<String, (u8, String)> {
        self.run_for("60", words).await
    }

    async fn run_for(&self, seconds: &str, words: &[&str]) -> Result<String, (u8, String)> {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let (ca, key) = (path("ca.pem"), path("officer.key"));
        let access = ["--url", &self.url, "--ca", &ca, "--key-file", &key, "--timeout", seconds];
        let command = OfficerCommand::try_parse_from([&["maily-compliance"], words, &access].concat());
        let mut asked = Asked { input: &mut "ann@a.example\n".as_bytes(), is_person: false };
        let mut out = Vec::new();
        let run = async {
            let (order, access) = Order::of(command.map_err(|error| error.to_string()).unwrap(), &mut asked)?;
            carry_out(order, &access, &mut out).await
        };
        run.await.map_err(|failure| (failure.code, failure.to_string()))?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn heard(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

fn ann() -> Value {
    json!({
        "address": "ann@a.example",
        "suppressed": true,
        "objections": [
            {"at": "2026-11-27T10:00:00Z", "channel": "link", "region": "eu", "link": 7, "campaign": "spring",
             "line": null, "kind": null, "article": "Art. 21(3) GDPR", "caller": null, "reason": null, "undone": false},
            {"at": "2026-11-28T10:00:00Z", "channel": "list", "region": "us", "link": 2, "campaign": "winter", "line": 12,
             "kind": "withdrawn", "article": "Art. 7(3) GDPR", "caller": null, "reason": null, "undone": true},
            {"at": "2026-11-29T10:00:00Z", "channel": "officer", "region": "eu", "link": 9, "campaign": null, "line": null,
             "kind": null, "article": null, "caller": "olga", "reason": "by telephone", "undone": false},
        ],
        "lifts": [
            {"at": "2026-11-28T11:00:00Z", "sender": null, "region": "eu", "link": 8, "caller": "olga",
             "reason": "by letter", "file": "back.txt"},
            {"at": "2026-11-28T12:00:00Z", "sender": "news@b.example", "region": "eu", "link": 10, "caller": "olga",
             "reason": "signed up again", "file": null},
        ],
        "rows": [
            {"region": "eu", "campaign": "spring", "imported_at": "2026-11-20T09:00:00Z", "planned": "2026-11-21T09:00:00Z",
             "undone": false, "line": 3, "outcome": "consent", "article": "Art. 6(1)(a) GDPR",
             "fields": {"email": "Ann@a.example", "first_name": "Ann\u{1b}[2J"},
             "message": {"state": "handed_off", "at": "2026-11-21T09:00:07Z", "segment": "maily-mail-eu/spring/0"}},
            {"region": "us", "campaign": "winter", "imported_at": "2026-11-28T10:00:00Z", "planned": "2026-11-28T10:00:00Z",
             "undone": false, "line": 12, "outcome": "withdrawn", "article": "Art. 7(3) GDPR", "fields": null,
             "message": {"state": "excluded", "at": null, "segment": null}},
            {"region": "us", "campaign": "yule", "imported_at": "2026-11-29T10:00:00Z", "planned": "2026-11-29T10:00:00Z",
             "undone": false, "line": 8, "outcome": "suppressed", "article": "Art. 21(3) GDPR",
             "objected_line": 7, "objected_kind": "assumed", "fields": null, "not_kept": true,
             "message": {"state": "excluded", "at": null, "segment": null}},
        ],
        "acts": [
            {"at": "2026-11-29T10:00:00Z", "region": "us", "link": 4, "act": "erased", "caller": "olga", "reason": "asked for it"},
        ],
        "later": "a field that this command does not know",
    })
}

#[tokio::test]
async fn what_is_kept_is_shown_as_a_person_reads_it() {
    let service = Service::start(200, ann()).await;
    let shown = service.run(&["subject", "find", "-"]).await.unwrap();
    let asked = vec![("/v1/subjects/find".to_owned(), json!({"address": "ann@a.example"}))];
    assert_eq!(service.heard(), asked);
    expect![[r#"
        ann@a.example
        suppressed              yes, but not for whom it was lifted since the last objection
        objections                   3
          2026-11-27T10:00:00Z  by an unsubscribe link, campaign spring, Art. 21(3) GDPR  [eu 7]
          2026-11-28T10:00:00Z  in a list, campaign winter, line 12: withdrawn, Art. 7(3) GDPR; undone, holds no longer  [us 2]
          2026-11-29T10:00:00Z  by a privacy officer, key olga: by telephone  [eu 9]
        lifted                       2
          2026-11-28T11:00:00Z  for a sender known by hash only, key olga: by letter (file back.txt)  [eu 8]
          2026-11-28T12:00:00Z  for news@b.example, key olga: signed up again  [eu 10]
        rows of lists                3
          campaign spring, line 3, kept in eu
            decided   consent, Art. 6(1)(a) GDPR
            imported  2026-11-20T09:00:00Z, send planned for 2026-11-21T09:00:00Z
            message   handed off, 2026-11-21T09:00:07Z, in maily-mail-eu/spring/0
            | email              Ann@a.example
            | first_name         Ann\u{1b}[2J
          campaign winter, line 12, kept in us
            decided   withdrawn, Art. 7(3) GDPR
            imported  2026-11-28T10:00:00Z, send planned for 2026-11-28T10:00:00Z
            message   none: the row was excluded
            | erased
          campaign yule, line 8, kept in us
            decided   suppressed, Art. 21(3) GDPR
            objected  by line 7 of the list: assumed
            imported  2026-11-29T10:00:00Z, send planned for 2026-11-29T10:00:00Z
            message   none: the row was excluded
            | not kept, for the person objects
        acts of officers             1
          2026-11-29T10:00:00Z  erased, key olga: asked for it  [us 4]
    "#]].assert_eq(&shown);
    let json = service.run(&["subject", "find", "-", "--json"]).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), ann());
    assert!(!json.contains('\u{1b}') && json.lines().count() == 1);
}

#[tokio::test]
async fn an_export_is_written_once() {
    let service = Service::start(200, ann()).await;
    let out = service.dir.path().join("ann.json");
    let words = ["subject", "export", "Ann@a.example", "--out", out.to_str().unwrap()];
    let said = service.run(&words).await.unwrap();
    assert!(said.contains(out.to_str().unwrap()), "{said}");
    assert_eq!(serde_json::from_slice::<Value>(&std::fs::read(&out).unwrap()).unwrap(), ann());
    assert_eq!(service.heard(), [("/v1/subjects/export".to_owned(), json!({"address": "Ann@a.example"}))]);
    assert_eq!(service.run(&words).await.unwrap_err().0, 64);
    assert!(service.heard().is_empty(), "nothing is asked where the answer has no place");
}

#[tokio::test]
async fn every_act_is_one_call_with_its_reason() {
    let because = ["--reason", "asked"];
    let erased = json!({"erased": ["eu", "us"], "rows": 3, "suppressed": true, "unreadable_by": "2026-11-30T00:00:00Z"});
    let lift = ["subject", "lift", "ann@a.example", "--sender", "news@b.example"];
    for (words, path, body, answer, said) in [
        (
            &["subject", "erase", "-", "--yes"][..],
            "/v1/subjects/erase",
            json!({"address": "ann@a.example", "reason": "asked"}),
            erased,
            "erased: 3 rows in eu, us\nno copy or backup opens after 2026-11-30T00:00:00Z\n\
             is on the suppression list, by a keyed hash of the address\n",
        ),
        (
            &["subject", "suppress", "ann@a.example"],
            "/v1/subjects/suppress",
            json!({"address": "ann@a.example", "reason": "asked"}),
            json!({"new": false}),
            "is on the suppression list, and was before\n",
        ),
        (
            &lift,
            "/v1/subjects/lift",
            json!({"addresses": ["ann@a.example"], "sender": "news@b.example", "reason": "asked"}),
            json!({"lifted": 1, "not_suppressed": 0, "unknown_sender": true}),
            "lifted: 1\nnot on the suppression list for this sender: 0\n\
             no list is known to have been imported for this sender: is its address right?\n",
        ),
        (
            &["import", "undo", "spring"],
            "/v1/imports/undo",
            json!({"campaign": "spring", "reason": "asked"}),
            json!({"rows": 9, "lifted": 2}),
            "taken back: nobody is written to by it any more\nrows removed (none where messages of it were handed off): 9\n\
             people who objected by it alone, and are free again: 2\n",
        ),
    ] {
        let service = Service::start(200, answer).await;
        assert_eq!(service.run(&[words, &because].concat()).await.unwrap(), said);
        assert_eq!(service.heard(), [(path.to_owned(), body)]);
    }
    let service = Service::start(200, json!({"links": {"eu": 12, "us": 3}})).await;
    let said = service.run(&["ledger", "verify"]).await.unwrap();
    assert_eq!(service.heard(), [("/v1/ledger/verify".to_owned(), json!({}))]);
    expect![[r#"
        eu                          12
        us                           3
        every link of every ledger is as it was written
    "#]]
    .assert_eq(&said);
}

#[tokio::test]
async fn many_are_lifted_in_calls_that_the_service_takes() {
    let service = Service::start(200, json!({"lifted": 2, "not_suppressed": 1})).await;
    let file = service.dir.path().join("back.txt");
    std::fs::write(&file, (0..10_001).map(|n| format!("{n}@a.example\n")).collect::<String>()).unwrap();
    let lift =
        ["subject", "lift", "--file", file.to_str().unwrap(), "--sender", "news@b.example", "--reason", "r"];
    assert_eq!(
        service.run(&lift).await.unwrap(),
        "lifted: 4\nnot on the suppression list for this sender: 2\n"
    );
    let heard = service.heard();
    let sizes: Vec<_> = heard.iter().map(|(_, body)| body["addresses"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10_000, 1]);
    assert!(heard.iter().all(|(_, body)| body["file"] == "back.txt"), "no folder goes on record");
    std::fs::write(&file, "ann@a.example\nbob\n").unwrap();
    let (code, sentence) = service.run(&lift).await.unwrap_err();
    assert!(code == DATA && sentence.ends_with("line 2: is not local@domain"), "{sentence}");
    assert!(service.heard().is_empty(), "nobody is lifted when one line is wrong");
}

#[tokio::test]
async fn many_are_suppressed_by_a_file() {
    let service = Service::start(200, json!({"new": true})).await;
    let file = service.dir.path().join("letters.txt");
    std::fs::write(&file, "ann@a.example\nbob@b.example\n").unwrap();
    let words = ["subject", "suppress", "--file", file.to_str().unwrap(), "--reason", "by letter"];
    assert_eq!(service.run(&words).await.unwrap(), "put on the suppression list: 2\nwere on it before: 0\n");
    let body = |address: &str| json!({"address": address, "reason": "by letter"});
    let path = || "/v1/subjects/suppress".to_owned();
    let mut heard = service.heard();
    heard.sort_by_key(|(_, body)| body["address"].to_string());
    assert_eq!(heard, [(path(), body("ann@a.example")), (path(), body("bob@b.example"))]);
}

#[tokio::test]
async fn the_lists_that_were_imported_are_shown_by_their_campaigns() {
    let import = |undone: Value| json!({"campaign": "spring", "imported_at": "2026-11-28T10:00:00Z", "rows": 9, "excluded": 2, "undone_at": undone});
    let mut told = import("2026-11-29T10:00:00Z".into());
    // A service of before does not say who.
    (told["undone_by"], told["undone_for"]) = ("olga".into(), "bought".into());
    let mut refused = import(Value::Null);
    (refused["campaign"], refused["refused"]) = ("refused-0".into(), "spring".into());
    let mut sent = import(Value::Null);
    (sent["sender_country"], sent["planned"]) = ("DE".into(), "2026-12-01T08:00:00Z".into());
    let answer =
        json!({"imports": [import(Value::Null), import("2026-11-29T10:00:00Z".into()), told, refused, sent]});
    let service = Service::start(200, answer.clone()).await;
    expect![[r#"
        lists imported               5
        spring  2026-11-28T10:00:00Z  9 rows, 2 excluded
        spring  2026-11-28T10:00:00Z  9 rows, 2 excluded, taken back 2026-11-29T10:00:00Z
        spring  2026-11-28T10:00:00Z  9 rows, 2 excluded, taken back 2026-11-29T10:00:00Z, key olga: bought
        refused-0  2026-11-28T10:00:00Z  9 rows, 2 excluded, refused for campaign spring
        spring  2026-11-28T10:00:00Z  9 rows, 2 excluded, sender in DE, send planned for 2026-12-01T08:00:00Z
    "#]]
    .assert_eq(&service.run(&["import", "list"]).await.unwrap());
    let json = service.run(&["import", "list", "--json"]).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), answer);
    assert_eq!(service.heard()[0], ("/v1/imports/list".to_owned(), json!({})));
}

#[tokio::test]
async fn a_refusal_has_a_code_of_its_own() {
    for (status, code, sentence) in [
        (400, 65, "because"),
        (401, 77, "the service does not accept the key: because"),
        (403, 77, "the key may not do this: because"),
        (404, 67, "because"),
        (409, 1, "HTTP status 409: because"),
    ] {
        let service = Service::start(status, "because".into()).await;
        let refused = service.run(&["subject", "find", "ann@a.example"]).await.unwrap_err();
        assert_eq!(refused, (code, sentence.to_owned()));
        assert_eq!(service.heard().len(), 1, "{status} is final");
    }
    for status in [429, 503] {
        let service = Service::start(status, "not now".into()).await;
        let (code, sentence) = service.run_for("1", &["subject", "find", "ann@a.example"]).await.unwrap_err();
        assert!(code == 69 && sentence.ends_with(&format!("HTTP status {status} not now")), "{sentence}");
        assert!(service.heard().len() > 1, "{status} may pass");
    }
    let service = Service::start(200, json!({"new": "yes"})).await;
    let nonsense = service.run(&["subject", "suppress", "ann@a.example", "--reason", "r"]).await;
    assert_eq!(nonsense.unwrap_err(), (69, "the service answers nonsense".to_owned()));
}

#[tokio::test]
async fn what_can_not_be_meant_is_refused_before_anything_is_asked() {
    let service = Service::start(200, json!({})).await;
    for (words, part) in [
        (&["subject", "erase", "ann@a.example", "--reason", "asked"][..], "--yes"),
        (&["subject", "suppress", "ann@a.example", "--reason", " "], "--reason is empty"),
        (&["import", "undo", "spring", "--reason", ""], "--reason is empty"),
        (&["subject", "find", ""], "the address is empty"),
        (&["subject", "suppress", "--reason", "r"], "an ADDRESS, or --file"),
        (&["subject", "lift", "--sender", "a@b.example", "--reason", "r"], "an ADDRESS, or --file"),
        (&["subject", "lift", "--file", "/absent", "--sender", "a@b.example", "--reason", "r"], "/absent"),
    ] {
        let (code, sentence) = service.run(words).await.unwrap_err();
        assert!(code == 64 && sentence.contains(part), "{sentence}");
    }
    assert!(service.heard().is_empty());
}

#[test]
fn the_command_line_says_what_is_missing() {
    use clap::error::ErrorKind::{ArgumentConflict, InvalidSubcommand, MissingRequiredArgument};
    let access = ["--ca", "ca.pem", "--key-file", "key"];
    let refused = |words: &[&str]| {
        let words = [&["maily-compliance"], words, &access].concat();
        OfficerCommand::try_parse_from(words).err().map(|error| error.kind())
    };
    assert_eq!(refused(&["subject", "find", "-"]), None);
    assert_eq!(refused(&["subject", "find"]), Some(MissingRequiredArgument));
    assert_eq!(refused(&["subject", "erase", "-"]), Some(MissingRequiredArgument));
    assert_eq!(refused(&["subject", "export", "-"]), Some(MissingRequiredArgument));
    assert_eq!(refused(&["import", "undo", "spring"]), Some(MissingRequiredArgument));
    assert_eq!(refused(&["subject", "forget", "-"]), Some(InvalidSubcommand));
    let lift = ["subject", "lift", "--sender", "a@b.example", "--reason", "r"];
    assert_eq!(refused(&[&lift[..], &["-", "--file", "f"]].concat()), Some(ArgumentConflict));
    let suppress = ["subject", "suppress", "--reason", "r"];
    assert_eq!(refused(&[&suppress[..], &["-", "--file", "f"]].concat()), Some(ArgumentConflict));
    assert_eq!(refused(&[&suppress[..], &["--file", "f"]].concat()), None);
}

#[test]
fn help_says_what_each_does() {
    let mut all = String::new();
    for words in [&[][..], &["subject"], &["subject", "find"], &["subject", "erase"], &["subject", "lift"]] {
        let mut command = OfficerCommand::command().term_width(100);
        command.build();
        let named = words.iter().try_fold(&mut command, |command, word| command.find_subcommand_mut(word));
        all += &format!("{}\n", named.unwrap().render_help());
    }
    expect![[r#"
        Answers people about their data: what is kept about them, that it goes, that they are left alone

        Usage: maily-compliance <COMMAND>

        Commands:
          subject  A person
          ledger   The record of what was done
          import   Imported lists
          epoch    The epochs under which people's keys are kept
          help     Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help (see more with '--help')
          -V, --version  Print version

        A person

        Usage: maily-compliance subject <COMMAND>

        Commands:
          find      Show what is kept about a person
          export    Write what is kept about a person to a file, as JSON
          erase     Make what is kept about a person unreadable for good, and leave them alone from now on
          suppress  Leave a person alone from now on: they objected by telephone or letter, say
          lift      Let a sender write again to people who have come back, and no other sender
          help      Print this message or the help of the given subcommand(s)

        Options:
          -h, --help  Print help

        Show what is kept about a person

        Usage: maily-compliance subject find [OPTIONS] --ca <FILE> --key-file <FILE> <ADDRESS>

        Arguments:
          <ADDRESS>  The person's address, in any spelling; `-` reads it from standard input, so that it
                     stands in no process list and no shell history

        Options:
              --json               Print the service's answer as JSON
              --url <URL>          The compliance service's officer listener [default:
                                   https://127.0.0.1:8444]
              --ca <FILE>          PEM file of the authority that signed the listener's certificate
              --key-file <FILE>    File with the officer's bearer key
              --timeout <SECONDS>  Give up after this many seconds [default: 600]
          -h, --help               Print help

        Make what is kept about a person unreadable for good, and leave them alone from now on

        Usage: maily-compliance subject erase [OPTIONS] --reason <TEXT> --ca <FILE> --key-file <FILE> <ADDRESS>

        Arguments:
          <ADDRESS>  The person's address, in any spelling; `-` reads it from standard input, so that it
                     stands in no process list and no shell history

        Options:
              --reason <TEXT>      Why; it stays on record for good, so let it name nobody
              --yes                Don't ask for the address again; needed where nobody can be asked
              --url <URL>          The compliance service's officer listener [default:
                                   https://127.0.0.1:8444]
              --ca <FILE>          PEM file of the authority that signed the listener's certificate
              --key-file <FILE>    File with the officer's bearer key
              --timeout <SECONDS>  Give up after this many seconds [default: 600]
          -h, --help               Print help

        Let a sender write again to people who have come back, and no other sender

        Usage: maily-compliance subject lift [OPTIONS] --sender <EMAIL> --reason <TEXT> --ca <FILE> --key-file <FILE> [ADDRESS]

        Arguments:
          [ADDRESS]  The person's address, in any spelling; `-` reads it from standard input

        Options:
              --file <FILE>        A file with an address on each line, for many at once; its name goes on
                                   record
              --sender <EMAIL>     The address that writes to them
              --reason <TEXT>      Why; it stays on record for good, so let it name nobody
              --url <URL>          The compliance service's officer listener [default:
                                   https://127.0.0.1:8444]
              --ca <FILE>          PEM file of the authority that signed the listener's certificate
              --key-file <FILE>    File with the officer's bearer key
              --timeout <SECONDS>  Give up after this many seconds [default: 600]
          -h, --help               Print help

    "#]].assert_eq(&all);
}
