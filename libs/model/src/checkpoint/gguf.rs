//! Reads the head of a GGUF file: metadata and the table of tensors.
//!
//! The format is ggml's (docs/gguf.md, versions 2 and 3). The file is taken to be hostile: every count and length is
//! checked against what is left of the file, and against limits, before anything is allocated for it.

use std::collections::HashMap;
use std::io::Read;

use super::quant::Kind;

/// The most metadata entries and tensors a file may have.
const MAX_ENTRIES: u64 = 1 << 16;
/// The longest key or tensor name, in bytes.
const MAX_NAME: u64 = 1 << 12;
/// The longest text value, in bytes.
const MAX_TEXT: u64 = 16 << 20;
/// The most elements of an array.
const MAX_ARRAY: u64 = 16 << 20;

/// A metadata value; numbers of all widths are kept as the widest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// An unsigned or signed integer.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of numbers or truth values.
    Numbers(Vec<f64>),
}

/// Where a tensor lies and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorInfo {
    /// How its numbers are stored.
    pub(crate) kind: Kind,
    /// How many numbers lie beside each other: the inputs of a weight.
    pub(crate) columns: usize,
    /// How many such rows there are.
    pub(crate) rows: usize,
    /// Where it begins, in bytes from the beginning of the file.
    pub(crate) offset: u64,
}

/// The head of a file.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// The metadata by key.
    pub(crate) metadata: HashMap<String, Value>,
    /// The tensors by name.
    pub(crate) tensors: HashMap<String, TensorInfo>,
}

/// Reads little-endian values and knows how much of the file is left.
struct Reader<R> {
    inner: R,
    left: u64,
    position: u64,
}

type Result<T> = std::result::Result<T, String>;

impl<R: Read> Reader<R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut buffer = [0; N];
        self.claim(N as u64)?;
        self.inner.read_exact(&mut buffer).map_err(|_| self.truncated())?;
        Ok(buffer)
    }

    fn claim(&mut self, length: u64) -> Result<()> {
        self.left = self.left.checked_sub(length).ok_or_else(|| self.truncated())?;
        self.position += length;
        Ok(())
    }

    fn truncated(&self) -> String {
        format!("the file ends in the middle of its header (byte {})", self.position)
    }

    fn u32(&mut self) -> Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn text(&mut self, limit: u64) -> Result<String> {
        let length = self.u64()?;
        if length > limit {
            return Err(format!("a text of {length} bytes is longer than the {limit} allowed"));
        }
        self.claim(length)?;
        let mut buffer = vec![0; length as usize];
        self.inner.read_exact(&mut buffer).map_err(|_| self.truncated())?;
        String::from_utf8(buffer).map_err(|_| "a text is not UTF-8".into())
    }

    /// One value of the type that `code` means.
    fn value(&mut self, code: u32) -> Result<Value> {
        Ok(match code {
            0 => Value::Integer(u8::from_le_bytes(self.bytes()?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.bytes()?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.bytes()?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.bytes()?).into()),
            4 => Value::Integer(self.u32()?.into()),
            5 => Value::Integer(i32::from_le_bytes(self.bytes()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.bytes()?).into()),
            7 => Value::Bool(u8::from_le_bytes(self.bytes()?) != 0),
            8 => Value::Text(self.text(MAX_TEXT)?),
            9 => self.array()?,
            10 => Value::Integer(self.u64()?.into()),
            11 => Value::Integer(i64::from_le_bytes(self.bytes()?).into()),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            _ => return Err(format!("metadata type {code} does not exist")),
        })
    }

    fn array(&mut self) -> Result<Value> {
        let (code, count) = (self.u32()?, self.u64()?);
        let least = match code {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            _ => return Err(format!("an array of metadata type {code} is not possible")),
        };
        // The second condition bounds what is allocated by the size of the file.
        if count > MAX_ARRAY || count.saturating_mul(least) > self.left {
            return Err(format!("an array of {count} elements does not fit the file"));
        }
        if code == 8 {
            return (0..count).map(|_| self.text(MAX_TEXT)).collect::<Result<_>>().map(Value::Texts);
        }
        (0..count).map(|_| self.value(code).map(|v| v.as_f64())).collect::<Result<_>>().map(Value::Numbers)
    }

    fn tensor(&mut self) -> Result<(String, TensorInfo)> {
        let name = self.text(MAX_NAME)?;
        let dimensions = self.u32()?;
        if !(1..=4).contains(&dimensions) {
            return Err(format!("tensor {name:?} has {dimensions} dimensions, 1 to 4 are possible"));
        }
        let columns = self.u64()?;
        let mut rows = 1u64;
        for _ in 1..dimensions {
            rows = rows.checked_mul(self.u64()?).ok_or_else(|| format!("tensor {name:?} is too large"))?;
        }
        let code = self.u32()?;
        let kind = Kind::from_ggml(code)
            .ok_or_else(|| format!("tensor {name:?} has the type {code}, which this engine can't read"))?;
        let offset = self.u64()?;
        let (Ok(columns), Ok(rows)) = (usize::try_from(columns), usize::try_from(rows)) else {
            return Err(format!("tensor {name:?} is too large"));
        };
        Ok((name, TensorInfo { kind, columns, rows, offset }))
    }
}

impl Value {
    fn as_f64(&self) -> f64 {
        match self {
            Self::Integer(v) => *v as f64,
            Self::Float(v) => *v,
            Self::Bool(v) => f64::from(u8::from(*v)),
            Self::Text(_) | Self::Texts(_) | Self::Numbers(_) => f64::NAN,
        }
    }
}

impl TensorInfo {
    /// How many bytes it takes; `None` if that is no number of whole blocks or overflows.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let row = self.kind.row_bytes(self.columns)?;
        (row as u64).checked_mul(self.rows as u64)
    }
}

impl Head {
    /// Reads the head of a file of `size` bytes.
    pub(crate) fn read(source: impl Read, size: u64) -> Result<Self> {
        let mut reader = Reader { inner: source, left: size, position: 0 };
        if reader.bytes::<4>().ok() != Some(*b"GGUF") {
            return Err("this is not a GGUF file: it does not begin with `GGUF`".into());
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!(
                "GGUF version {version} is not supported; supported: 2 and 3, little-endian"
            ));
        }
        let (tensors, entries) = (reader.u64()?, reader.u64()?);
        if tensors > MAX_ENTRIES || entries > MAX_ENTRIES {
            return Err(format!(
                "{tensors} tensors and {entries} metadata entries are more than the {MAX_ENTRIES} allowed"
            ));
        }
        let mut head = Self::default();
        for _ in 0..entries {
            let key = reader.text(MAX_NAME)?;
            let code = reader.u32()?;
            let value = reader.value(code).map_err(|reason| format!("metadata {key:?}: {reason}"))?;
            if head.metadata.insert(key.clone(), value).is_some() {
                return Err(format!("metadata {key:?} is there twice"));
            }
        }
        for _ in 0..tensors {
            let (name, info) = reader.tensor()?;
            if head.tensors.insert(name.clone(), info).is_some() {
                return Err(format!("tensor {name:?} is there twice"));
            }
        }
        head.place(reader.position, size)?;
        Ok(head)
    }

    /// Turns the tensors' offsets into positions in the file and checks that they lie in it.
    fn place(&mut self, head_end: u64, size: u64) -> Result<()> {
        let alignment = self.integer("general.alignment")?.unwrap_or(32);
        if !(8..=1 << 20).contains(&alignment) || !alignment.is_power_of_two() {
            return Err(format!("an alignment of {alignment} is not possible"));
        }
        let start = head_end.next_multiple_of(alignment);
        for (name, info) in &mut self.tensors {
            let bytes = info.bytes().ok_or_else(|| format!("tensor {name:?} has an impossible size"))?;
            let offset = start.checked_add(info.offset);
            let end = offset.and_then(|o| o.checked_add(bytes));
            match (offset, end) {
                (Some(offset), Some(end)) if end <= size && info.offset % alignment == 0 => {
                    info.offset = offset
                }
                (_, Some(end)) if end > size => {
                    return Err(format!(
                        "the file is truncated: tensor {name:?} ends at byte {end} of {size}"
                    ));
                }
                _ => return Err(format!("tensor {name:?} has an impossible place")),
            }
        }
        Ok(())
    }

    /// A whole number that is not negative, if the key is there.
    pub(crate) fn integer(&self, key: &str) -> Result<Option<u64>> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Integer(v)) => {
                u64::try_from(*v).map(Some).map_err(|_| format!("metadata {key:?} is negative"))
            }
            Some(_) => Err(format!("metadata {key:?} is not an integer")),
        }
    }

    /// A number, if the key is there.
    pub(crate) fn float(&self, key: &str) -> Result<Option<f32>> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Float(v)) if v.is_finite() => Ok(Some(*v as f32)),
            Some(_) => Err(format!("metadata {key:?} is not a finite number")),
        }
    }

    /// A text, if the key is there.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Text(v)) => Ok(Some(v)),
            Some(_) => Err(format!("metadata {key:?} is not a text")),
        }
    }

    /// A list of texts, if the key is there.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<&[String]>> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Texts(v)) => Ok(Some(v)),
            Some(_) => Err(format!("metadata {key:?} is not a list of texts")),
        }
    }

    /// A list of numbers, if the key is there.
    pub(crate) fn numbers(&self, key: &str) -> Result<Option<&[f64]>> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Numbers(v)) => Ok(Some(v)),
            Some(_) => Err(format!("metadata {key:?} is not a list of numbers")),
        }
    }
}
