//! Checks one piece of an e-mail by hand.
//!
//! `check CONFIG_FOLDER subject|preheader|body BRIEF OFFER BRAND SENDER_NAME < piece`: the three texts are
//! files. Prints one violation a line and exits with 1 if there is any.

use std::{
    env, fs,
    io::{self, Read},
    path::Path,
    process::ExitCode,
};

use maily_guardrails::{
    config,
    rails::{Piece, Sources},
};

fn main() -> ExitCode {
    if let Some(code) = maily_template::worker() {
        return code;
    }
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("check: {problem}");
            ExitCode::from(64)
        }
    }
}

fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, piece, brief, offer, brand, sender_name] = arguments.as_slice() else {
        return Err(
            "usage: check CONFIG_FOLDER subject|preheader|body BRIEF OFFER BRAND SENDER_NAME < piece".into(),
        );
    };
    let piece = match piece.as_str() {
        "subject" => Piece::Subject,
        "preheader" => Piece::Preheader,
        "body" => Piece::Body,
        _ => return Err("a piece is subject, preheader or body".into()),
    };
    let config = config::load(&config::read_folder(Path::new(folder))?)?;
    let sources = Sources {
        brief: fs::read_to_string(brief)?,
        offer: fs::read_to_string(offer)?,
        brand: fs::read_to_string(brand)?,
        sender_name: sender_name.clone(),
    };
    let mut text = String::new();
    io::stdin().take(64 * 1024).read_to_string(&mut text)?;
    let violations = config.check_piece(piece, &text, &sources);
    for violation in &violations {
        println!("{violation}");
    }
    Ok(violations.is_empty())
}
