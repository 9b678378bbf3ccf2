//! UTF-8 checked as it arrives, characters torn between two chunks included.

/// The state between two chunks.
#[derive(Default)]
pub(crate) struct Utf8 {
    torn: [u8; 4],
    len: usize,
}

impl Utf8 {
    /// Checks the next chunk; on a fault, answers how many of its bytes come before it.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), usize> {
        let mut at = 0;
        while self.len > 0 && at < chunk.len() {
            self.torn[self.len] = chunk[at];
            self.len += 1;
            match std::str::from_utf8(&self.torn[..self.len]) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_some() => return Err(at),
                Err(_) => {}
            }
            at += 1;
        }
        match std::str::from_utf8(&chunk[at..]) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(at + error.valid_up_to()),
            Err(error) => {
                let torn = &chunk[at + error.valid_up_to()..];
                self.torn[..torn.len()].copy_from_slice(torn);
                self.len = torn.len();
                Ok(())
            }
        }
    }

    /// Whether the last character is whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.len == 0
    }
}
