//! How many values a JSON text has, told before it is read.
//!
//! A body is bounded and counted in the bytes that came. Read as [`serde_json::Value`]s it takes many times as many: `0,` becomes 72
//! bytes, `{"":0},` half a KiB, and lists that grow twice that. So who reads others' JSON as values looks here first, reads what it
//! needs of them, and keeps none while it waits for anything. (A type of one's own is bounded by its fields and its lists.)

/// Whether no more than `most` values would be read of it; each field of an object counts as one, with its key. What is no JSON
/// has no more than this either, up to where reading it ends.
#[must_use]
pub fn json_within(json: &[u8], most: usize) -> bool {
    // The whole is the first. Each other stands behind one of these, which an empty list or object has for nothing.
    let (mut values, mut text) = (1_usize, false);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => text = !text,
            b'\\' if text => {
                // Of the text, also where it is a quote.
                bytes.next();
            }
            b'[' | b'{' | b',' if !text => values = values.saturating_add(1),
            _ => {}
        }
        if values > most {
            return false;
        }
    }
    values <= most
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// How many there are once they are read.
    fn read(value: &Value) -> usize {
        match value {
            Value::Array(list) => 1 + list.iter().map(read).sum::<usize>(),
            Value::Object(map) => 1 + map.values().map(read).sum::<usize>(),
            _ => 1,
        }
    }

    /// The fewest that it is said to be within.
    fn told(json: &str) -> usize {
        (0..).find(|most| json_within(json.as_bytes(), *most)).unwrap()
    }

    #[test]
    fn no_value_is_missed() {
        for json in [
            "0",
            r#" "a" "#,
            "[0,0,0]",
            "[[0],[0,[0]]]",
            r#"{"a":{"b":[1,2,{"c":null}]},"d":"e"}"#,
            r#"[{"type":"text","text":"[,{"},{"type":"text","text":"\\\"[,{\\"}]"#,
            r#"{"[\"{,":"\\","\\":[true]}"#,
        ] {
            assert_eq!(told(json), read(&serde_json::from_str(json).unwrap()), "{json}");
        }
        assert_eq!((told("[]"), told("{}")), (2, 2), "what is empty counts as if it were not");
    }

    #[test]
    fn what_is_no_json_is_not_read_to_its_end() {
        let many = "[0,".repeat(1_000);
        assert!(!json_within(many.as_bytes(), 2_000));
        assert!(json_within(many.as_bytes(), 2_001));
        assert!(json_within(b"\"[[[[[[", 1) && json_within(b"\"\\", 1) && json_within(b"", 1));
    }
}
