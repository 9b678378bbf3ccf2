//! Where a model runs.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// Where a model runs, written `cpu`, `cuda` (the first GPU) or `cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU by CUDA's number, from 0. Needs the cargo feature `cuda`.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// A text that names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a device is cpu, cuda or cuda:N with N from 0, not {0:?}")]
pub struct UnknownDevice(String);

impl FromStr for Device {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        let index = |digits: &str| digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
        match text {
            "cpu" => Some(Self::Cpu),
            "cuda" => Some(Self::Cuda(0)),
            _ => text.strip_prefix("cuda:").and_then(index).map(Self::Cuda),
        }
        .ok_or_else(|| UnknownDevice(text.into()))
    }
}

impl TryFrom<String> for Device {
    type Error = UnknownDevice;

    fn try_from(text: String) -> Result<Self, UnknownDevice> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_written() {
        let read = |text: &str| text.parse::<Device>();
        assert_eq!((read("cpu"), read("cuda")), (Ok(Device::Cpu), Ok(Device::Cuda(0))));
        assert_eq!(read("cuda:3").unwrap().to_string(), "cuda:3");
        for wrong in ["", "CPU", "cuda:", "cuda:+1", "cuda:-1", "cuda:99999999999999999999", "gpu"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
        let said = read("gpu").unwrap_err().to_string();
        assert_eq!(said, "a device is cpu, cuda or cuda:N with N from 0, not \"gpu\"");
    }
}
