//! The model and the rails as a step asks them: no longer than the campaign goes on, and with what went wrong kept for the
//! step, which has to tell a peer that is away from one that says no.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use tokio::select;

use super::{Deps, StepError, ending};
use crate::{
    campaign::CampaignId,
    copy::{Chat, Complete, CopyError, Options, Piece, Rails},
    peers::{Guard, PeerError, Writer},
};

/// The last thing that went wrong; copywriting knows only whether a retry can help.
#[derive(Default)]
pub(super) struct Trouble(Mutex<Option<StepError>>);

impl Trouble {
    fn note(&self, error: StepError) -> CopyError {
        let told = match &error {
            StepError::Peer(error) => CopyError::from(error),
            other => CopyError::Unavailable(other.to_string()),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        told
    }

    /// What copywriting's failure is to the step.
    pub(super) fn behind(&self, error: CopyError) -> StepError {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (error, noted) {
            (CopyError::Refused(_) | CopyError::Unavailable(_), Some(noted)) => noted,
            (error, _) => StepError::Copy(error),
        }
    }
}

/// A [`Writer`] or a [`Guard`] at the work of one campaign.
pub(super) struct Attended<'a, T> {
    pub(super) asked: &'a T,
    pub(super) deps: &'a Deps,
    pub(super) id: &'a CampaignId,
    pub(super) trouble: &'a Trouble,
}

impl<T> Attended<'_, T> {
    async fn attend<R>(&self, call: impl Future<Output = Result<R, PeerError>>) -> Result<R, CopyError> {
        if let Err(error) = ending::check(self.deps, self.id).await {
            return Err(self.trouble.note(error));
        }
        // A call is made again and again while its peer is away: not beyond the end of the campaign.
        select! {
            answer = call => answer.map_err(|error| self.trouble.note(error.into())),
            () = ending::ended(self.deps, self.id) => Err(self.trouble.note(StepError::Ended)),
        }
    }
}

impl Complete for Attended<'_, Writer<'_>> {
    async fn complete(&self, chat: Chat, options: Options) -> Result<Vec<String>, CopyError> {
        self.attend(self.asked.complete(&chat, &options)).await
    }
}

impl Rails for Attended<'_, Guard<'_>> {
    async fn input(&self, text: &str) -> Result<Vec<String>, CopyError> {
        self.attend(self.asked.check_input(text)).await
    }

    async fn check(&self, piece: Piece, text: &str) -> Result<Vec<String>, CopyError> {
        self.attend(self.asked.check_piece(piece, text)).await
    }
}
