//! Compliance: who may be written to, and the record of every hand-off.

use std::future::Future;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use maily_chassis::TraceContext;
use maily_proto::compliance::{
    HandOffReply, HandOffRequest, ImportHeader, ImportRequest, InvalidRow, InvalidRowsRequest,
    LeftOutRequest, Page, Recipient, RecipientsRequest, ReleaseRequest, ReleasedRecord, SummaryReply,
    SummaryRequest, compliance_client::ComplianceClient as Grpc, import_request::Part,
};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, service::interceptor::InterceptedService, transport::Channel};
use zeroize::Zeroize as _;

use super::{CALL, PeerError, persist};
use crate::campaign::{CampaignId, Settings};

pub(super) const PEER: &str = "compliance";
/// A page of recipients is far smaller; an answer beyond this is a fault.
const REPLY: usize = 32 << 20;
/// The contract's limit of one chunk.
const CHUNK: usize = 256 << 10;

/// The generated client with trace context.
pub(crate) type ComplianceClient = Grpc<InterceptedService<Channel, TraceContext>>;

/// The compliance service.
#[derive(Clone)]
pub(crate) struct Compliance(ComplianceClient);

/// What comes of a client's upload. One that ends without [`Upload::End`] broke off, whatever ended it.
#[derive(Debug)]
pub(crate) enum Upload {
    Piece(Bytes),
    /// The list is whole.
    End,
}

/// Why an import did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The client's upload broke off.
    #[error("the upload broke off")]
    Upload,
    #[error(transparent)]
    Peer(#[from] PeerError),
}

impl Compliance {
    pub(crate) fn new(channel: Channel) -> Self {
        Self(Grpc::with_interceptor(channel, TraceContext).max_decoding_message_size(REPLY))
    }

    /// Streams a subscriber list in, which `caller` brings (the name of a key; empty where nobody is known); the number of
    /// its rows. Not repeated here: the stream can't be.
    ///
    /// # Errors
    /// A broken upload never counts as a finished list: the call is cancelled, not ended.
    pub(crate) async fn import(
        &self,
        campaign: &CampaignId,
        settings: &Settings,
        caller: &str,
        upload: impl Stream<Item = Upload> + Send + 'static,
    ) -> Result<u64, ImportError> {
        let header = ImportHeader {
            campaign_id: campaign.to_string(),
            as_of: settings.as_of.clone(),
            sender_country: settings.sender.country.clone(),
            sender_address: settings.sender.email.clone(),
            caller: caller.to_owned(),
        };
        let (broken, upload_broke) = oneshot::channel();
        let parts = parts(header, upload, broken);
        let mut client = self.0.clone();
        tokio::select! {
            biased;
            Ok(()) = upload_broke => Err(ImportError::Upload),
            reply = client.import(parts) => match reply {
                Ok(reply) => Ok(reply.into_inner().rows),
                Err(status) => Err(PeerError::status(PEER, &status).into()),
            },
        }
    }

    /// What the import decided; none before one has finished.
    pub(crate) async fn summary(&self, campaign: &CampaignId) -> Result<Option<SummaryReply>, PeerError> {
        let request = SummaryRequest { campaign_id: campaign.to_string() };
        let reply =
            self.call(request, |mut client, request| async move { client.summary(request).await }).await;
        match reply {
            Err(error) if error.code() == Some(tonic::Code::NotFound) => Ok(None),
            reply => reply.map(Some),
        }
    }

    /// Whether the campaign's import was taken back: then nobody is written to by it any more.
    pub(crate) async fn is_undone(&self, campaign: &CampaignId) -> Result<bool, PeerError> {
        Ok(self.summary(campaign).await?.is_some_and(|summary| summary.undone))
    }

    pub(crate) async fn invalid_rows(
        &self,
        campaign: &CampaignId,
        after_line: u64,
    ) -> Result<Vec<InvalidRow>, PeerError> {
        let request = InvalidRowsRequest { campaign_id: campaign.to_string(), after_line, limit: 0 };
        let reply =
            self.call(request, |mut client, request| async move { client.invalid_rows(request).await });
        Ok(reply.await?.rows)
    }

    pub(crate) async fn recipients(&self, page: &Page) -> Result<Vec<Recipient>, PeerError> {
        let request = RecipientsRequest { page: Some(page.clone()) };
        let reply = self.call(request, |mut client, request| async move { client.recipients(request).await });
        Ok(reply.await?.recipients)
    }

    pub(crate) async fn hand_off(&self, page: &Page, segment: &str) -> Result<HandOffReply, PeerError> {
        let request = HandOffRequest { page: Some(page.clone()), segment: segment.to_owned() };
        self.call(request, |mut client, request| async move { client.hand_off(request).await }).await
    }

    /// Messages of the campaign that were handed off, and whose recipients have objected since.
    pub(crate) async fn left_out(&self, campaign: &CampaignId) -> Result<u64, PeerError> {
        let request = LeftOutRequest { campaign_id: campaign.to_string() };
        let reply = self.call(request, |mut client, request| async move { client.left_out(request).await });
        Ok(reply.await?.messages)
    }

    /// How many messages of a page were handed off; none where the page was not.
    pub(crate) async fn handed_off(&self, page: &Page) -> Result<Option<u64>, PeerError> {
        let request = ReleaseRequest { page: Some(page.clone()) };
        let reply = self.call(request, |mut client, request| async move { client.release(request).await });
        match reply.await {
            Ok(mut reply) => {
                reply.records.iter_mut().for_each(|record| record.record_key.zeroize());
                Ok(Some(reply.records.len() as u64 + u64::from(reply.left_out)))
            }
            Err(error) if error.is_ended() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn release(&self, page: &Page) -> Result<Vec<ReleasedRecord>, PeerError> {
        let request = ReleaseRequest { page: Some(page.clone()) };
        let reply = self.call(request, |mut client, request| async move { client.release(request).await });
        Ok(reply.await?.records)
    }

    /// Every call but the import is idempotent: repeated until it answers, is refused, or patience ends.
    async fn call<Q, R, F, Fut>(&self, request: Q, send: F) -> Result<R, PeerError>
    where
        Q: Clone,
        F: Fn(ComplianceClient, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<R>, Status>>,
    {
        let once = || async {
            let mut request = Request::new(request.clone());
            request.set_timeout(CALL);
            let answer = tokio::time::timeout(CALL, send(self.0.clone(), request)).await;
            let answer = answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")));
            answer.map(Response::into_inner).map_err(|status| PeerError::status(PEER, &status))
        };
        persist(once).await
    }
}

/// The messages of an import. Where the upload breaks off, `broken` fires and the stream never ends, so that the
/// service can't mistake the torn list for a whole one.
fn parts(
    header: ImportHeader,
    upload: impl Stream<Item = Upload> + Send + 'static,
    broken: oneshot::Sender<()>,
) -> impl Stream<Item = ImportRequest> + Send + 'static {
    let part = |part| ImportRequest { part: Some(part) };
    let mut broken = Some(broken);
    // `None` is an end that nobody announced.
    let pieces = upload.map(Some).chain(futures::stream::once(async { None }));
    let pieces = pieces.take_while(|piece| std::future::ready(!matches!(piece, Some(Upload::End))));
    let chunks = pieces.flat_map(move |piece| {
        let Some(Upload::Piece(mut bytes)) = piece else {
            let _ = broken.take().map(|broken| broken.send(()));
            return futures::stream::pending().left_stream();
        };
        let mut chunks = Vec::new();
        while !bytes.is_empty() {
            chunks.push(part(Part::Chunk(bytes.split_to(bytes.len().min(CHUNK)).into())));
        }
        futures::stream::iter(chunks).right_stream()
    });
    futures::stream::once(async move { part(Part::Header(header)) }).chain(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(request: &ImportRequest) -> usize {
        match request.part.as_ref().unwrap() {
            Part::Header(_) => 0,
            Part::Chunk(bytes) => bytes.len(),
        }
    }

    #[tokio::test]
    async fn an_upload_that_just_ends_never_ends_the_import() {
        let (broken, mut fired) = oneshot::channel();
        let upload = futures::stream::iter([Upload::Piece(vec![b'x'; CHUNK + 1].into())]);
        let mut parts = Box::pin(parts(ImportHeader::default(), upload, broken));
        let mut sizes = Vec::new();
        for _ in 0..3 {
            sizes.push(size(&parts.next().await.unwrap()));
        }
        assert_eq!(sizes, [0, CHUNK, 1]);
        assert!(futures::poll!(parts.next()).is_pending());
        assert_eq!(fired.try_recv(), Ok(()));
    }

    #[tokio::test]
    async fn an_upload_that_says_that_it_is_whole_ends_the_import() {
        let (broken, mut fired) = oneshot::channel();
        let upload = futures::stream::iter([Upload::Piece("x".into()), Upload::End]);
        let parts: Vec<_> = parts(ImportHeader::default(), upload, broken).collect().await;
        assert_eq!(parts.iter().map(size).collect::<Vec<_>>(), [0, 1]);
        assert!(fired.try_recv().is_err());
    }
}
