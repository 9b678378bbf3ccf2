//! Reads rows of a stored tensor as `f32`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::gguf::TensorInfo;

/// How a file orders the rows of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowOrder {
    /// As the model wants them.
    Plain,
    /// As GGUF keeps the queries and keys of the Llama architecture: within each head of that many rows, the two halves
    /// that rotate together are interleaved (llama.cpp, `convert_hf_to_gguf.py`, `LlamaModel.permute`).
    Interleaved(usize),
}

impl RowOrder {
    /// Which row of the file is the model's row `row`.
    fn stored(self, row: usize) -> usize {
        match self {
            Self::Plain => row,
            Self::Interleaved(head) => {
                let (start, within) = (row / head * head, row % head);
                start + within % (head / 2) * 2 + within / (head / 2)
            }
        }
    }
}

/// A tensor in a file.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// The open file.
    pub(crate) file: Arc<File>,
    /// What it is and where.
    pub(crate) info: TensorInfo,
    /// How its rows are ordered.
    pub(crate) order: RowOrder,
}

impl Stored {
    /// Rows and columns; a vector has one row.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.info.rows, self.info.columns)
    }

    /// Reads the rows from `first` on that fill `out`, a whole number of rows.
    pub(crate) fn read(&self, first: usize, out: &mut [f32]) -> io::Result<()> {
        let mut buffer = Vec::new();
        if self.order == RowOrder::Plain {
            self.bytes(first, out.len() / self.info.columns, &mut buffer)?;
            self.info.kind.decode(&buffer, out);
            return Ok(());
        }
        for (row, out) in out.chunks_exact_mut(self.info.columns).enumerate() {
            self.bytes(self.order.stored(first + row), 1, &mut buffer)?;
            self.info.kind.decode(&buffer, out);
        }
        Ok(())
    }

    /// The bytes of one row, as the file has it.
    pub(crate) fn raw_row(&self, row: usize) -> io::Result<Vec<u8>> {
        let mut buffer = Vec::new();
        self.bytes(row, 1, &mut buffer).map(|()| buffer)
    }

    fn bytes(&self, first: usize, rows: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        let row = self.info.kind.row_bytes(self.info.columns).ok_or(io::ErrorKind::InvalidData)?;
        buffer.resize(rows * row, 0);
        self.file.read_exact_at(buffer, self.info.offset + (first * row) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows that llama.cpp's `permute` would write for two heads of 6 rows: halves 0 1 2 | 3 4 5 become 0 3 1 4 2 5.
    #[test]
    fn interleaved_rows_are_found() {
        let file = [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11];
        for row in 0..12 {
            assert_eq!(file[RowOrder::Interleaved(6).stored(row)], row);
        }
    }
}
