//! How many fields a protobuf message has, before anything is allocated for one.
//!
//! A field of two bytes becomes a structure of some two hundred, so that a small file could ask for
//! gigabytes.

/// Messages inside messages that are counted; readers stop at a hundred.
const MAX_DEPTH: usize = 100;

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for n in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 127) << (7 * n);
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

/// Fields of a message and of those inside it, at most; none where it is no message.
///
/// Bytes and strings that would be messages too are counted as such. Cost: every byte is looked at
/// once for each level of messages around it, until `limit` fields are counted.
pub fn field_count(bytes: &[u8], limit: usize) -> Option<usize> {
    let mut count = 0;
    count_fields(bytes, MAX_DEPTH, limit, &mut count)?;
    Some(count)
}

fn count_fields(mut bytes: &[u8], depth: usize, limit: usize, count: &mut usize) -> Option<()> {
    while !bytes.is_empty() && *count <= limit {
        *count += 1;
        let skip = match varint(&mut bytes)? & 7 {
            0 => {
                varint(&mut bytes)?;
                0
            }
            1 => 8,
            5 => 4,
            2 => usize::try_from(varint(&mut bytes)?).ok()?,
            _ => return None,
        };
        let inner = bytes.get(..skip)?;
        bytes = &bytes[skip..];
        if depth > 0 && skip > 8 {
            let before = *count;
            if count_fields(inner, depth - 1, limit, count).is_none() {
                *count = before;
            }
        } else {
            // Too small for more than four.
            *count += inner.len() / 2;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_fields_at_every_depth() {
        // Field 1: 5; field 2: a message of five fields.
        let message = [8, 5, 18, 10, 8, 1, 8, 2, 8, 3, 8, 4, 8, 5];
        assert_eq!(field_count(&message, 100), Some(7));
        assert_eq!(field_count(&message[..9], 100), None, "it ends early");
        assert_eq!(field_count(&[0x52, 0].repeat(50), 10), Some(11), "it stops");
    }
}
