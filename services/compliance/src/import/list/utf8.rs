//! UTF-8 checked as it arrives, characters torn between two chunks included.

/// The state between two chunks.
#[derive(Default)]
pub(crate) struct Utf8 {
    /// What there is of a character that the next chunk has the rest of; four bytes at most.
    torn: Vec<u8>,
}

impl Utf8 {
    /// Checks the next chunk; on a fault, answers how many of its bytes come before it.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), usize> {
        let mut rest = chunk;
        while !self.torn.is_empty()
            && let Some((byte, behind)) = rest.split_first()
        {
            self.torn.push(*byte);
            match std::str::from_utf8(&self.torn) {
                Ok(_) => self.torn.clear(),
                Err(error) if error.error_len().is_some() => return Err(chunk.len() - rest.len()),
                Err(_) => {}
            }
            rest = behind;
        }
        match std::str::from_utf8(rest) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(chunk.len() - rest.len() + error.valid_up_to()),
            Err(error) => {
                self.torn.extend(rest.iter().skip(error.valid_up_to()));
                Ok(())
            }
        }
    }

    /// Whether the last character is whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.torn.is_empty()
    }
}
