//! Changes to a protobuf message that is known by its wire format alone.

use crate::random::Random;

/// Fields of one message.
pub type Fields = Vec<Field>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    number: u64,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// A string, packed numbers or a message.
    Bytes(Vec<u8>),
    Message(Fields),
}

const MAX_DEPTH: usize = 40;
const MAX_COPIES: usize = 1 << 12;
/// Each becomes a structure of a hundred times its size.
const MAX_EMPTY: usize = 1 << 20;

fn read_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for n in 0..10 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 127) << (7 * n);
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The fields of bytes that are one whole message.
pub fn parse(bytes: &[u8], depth: usize) -> Option<Fields> {
    let mut at = 0;
    let mut fields = Vec::new();
    while at < bytes.len() {
        let tag = read_varint(bytes, &mut at)?;
        let value = match tag & 7 {
            0 => Value::Varint(read_varint(bytes, &mut at)?),
            1 => {
                let word = bytes.get(at..at + 8)?;
                at += 8;
                Value::Fixed64(word.iter().rev().fold(0, |v, &b| v << 8 | u64::from(b)))
            }
            2 => {
                let length = usize::try_from(read_varint(bytes, &mut at)?).ok()?;
                let part = bytes.get(at..at.checked_add(length)?)?;
                at += length;
                let message = if depth < MAX_DEPTH && !part.is_empty() {
                    parse(part, depth + 1)
                } else {
                    None
                };
                message.map_or_else(|| Value::Bytes(part.to_vec()), Value::Message)
            }
            5 => {
                let word = bytes.get(at..at + 4)?;
                at += 4;
                Value::Fixed32(word.iter().rev().fold(0, |v, &b| v << 8 | u32::from(b)))
            }
            _ => return None,
        };
        let number = tag >> 3;
        if number == 0 {
            return None;
        }
        fields.push(Field { number, value });
    }
    Some(fields)
}

/// The bytes of a message.
pub fn write(fields: &Fields) -> Vec<u8> {
    let mut out = Vec::new();
    for Field { number, value } in fields {
        let mut head = |wire: u64| write_varint(&mut out, number << 3 | wire);
        match value {
            Value::Varint(value) => {
                head(0);
                write_varint(&mut out, *value);
            }
            Value::Fixed64(value) => {
                head(1);
                out.extend(value.to_le_bytes());
            }
            Value::Fixed32(value) => {
                head(5);
                out.extend(value.to_le_bytes());
            }
            Value::Bytes(bytes) => {
                head(2);
                write_varint(&mut out, bytes.len() as u64);
                out.extend(bytes);
            }
            Value::Message(fields) => {
                head(2);
                let bytes = write(fields);
                write_varint(&mut out, bytes.len() as u64);
                out.extend(bytes);
            }
        }
    }
    out
}

/// Change a field, here or in a message inside.
pub fn change(fields: &mut Fields, random: &mut Random) {
    if fields.is_empty() {
        return;
    }
    let at = random.below(fields.len());
    if let Value::Message(inner) = &mut fields[at].value
        && !random.one_in(5)
    {
        return change(inner, random);
    }
    match random.below(10) {
        0 => drop(fields.remove(at)),
        1 => {
            let copy = fields[at].clone();
            fields.insert(random.below(fields.len() + 1), copy);
        }
        2 => {
            let other = random.below(fields.len());
            fields.swap(at, other);
        }
        3 => fields[at].number = 1 + random.below(20) as u64,
        4 => {
            let other = random.below(fields.len());
            fields[at].value = fields[other].value.clone();
        }
        5 if random.one_in(40) => {
            let (copies, copy) = if random.one_in(2) {
                (random.below(MAX_COPIES), fields[at].clone())
            } else {
                let empty = Value::Bytes(Vec::new());
                let number = fields[at].number;
                let bomb = random.one_in(10);
                let copies = random.below(if bomb { MAX_EMPTY } else { MAX_COPIES });
                (
                    copies,
                    Field {
                        number,
                        value: empty,
                    },
                )
            };
            fields.extend((0..copies).map(|_| copy.clone()));
        }
        6 if random.one_in(20) => {
            // Nested in itself.
            for _ in 0..random.below(200) {
                let copy = fields.clone();
                *fields = vec![Field {
                    number: 1 + random.below(8) as u64,
                    value: Value::Message(copy),
                }];
            }
        }
        _ => change_value(&mut fields[at].value, random),
    }
}

fn change_value(value: &mut Value, random: &mut Random) {
    match value {
        Value::Varint(value) | Value::Fixed64(value) => *value = random.number(*value),
        Value::Fixed32(value) => *value = random.number(u64::from(*value)) as u32,
        Value::Message(fields) => change(fields, random),
        Value::Bytes(bytes) => {
            if bytes.is_empty() || random.one_in(4) {
                *bytes = (0..random.below(12)).map(|_| random.next() as u8).collect();
            } else {
                crate::mutate_bytes::change_bytes(bytes, random);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parsed_is_written_again() {
        let plan = include_bytes!("../corpus/small.loom");
        let length = u64::from_le_bytes(std::array::from_fn(|n| plan[24 + n])) as usize;
        let program = &plan[256..256 + length];
        let fields = parse(program, 0).expect("a message");
        assert!(write(&fields) == program);
        assert!(
            fields.iter().filter(|field| field.number == 10).count() > 5,
            "operations"
        );
    }
}
