//! The program section as protobuf messages; the schema is `src/backend/plan/plan.proto`.

use prost::{Enumeration, Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub struct Plan {
    #[prost(string, tag = "1")]
    pub producer: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, repeated, tag = "3")]
    pub features: Vec<String>,
    #[prost(bytes = "vec", tag = "4")]
    pub model_digest: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    pub modulus: Option<Modulus>,
    #[prost(message, optional, tag = "6")]
    pub security: Option<Security>,
    #[prost(message, repeated, tag = "7")]
    pub layouts: Vec<Layout>,
    #[prost(message, repeated, tag = "8")]
    pub blobs: Vec<Blob>,
    #[prost(message, repeated, tag = "9")]
    pub constants: Vec<Constant>,
    #[prost(message, repeated, tag = "10")]
    pub operations: Vec<Operation>,
    #[prost(message, repeated, tag = "11")]
    pub outputs: Vec<Output>,
    #[prost(message, optional, tag = "12")]
    pub keys: Option<Keys>,
    #[prost(message, optional, tag = "13")]
    pub budgets: Option<Budgets>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Modulus {
    #[prost(uint32, tag = "1")]
    pub ring_degree: u32,
    #[prost(uint64, repeated, tag = "2")]
    pub primes: Vec<u64>,
    #[prost(uint64, repeated, tag = "3")]
    pub special_primes: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Security {
    #[prost(uint32, tag = "1")]
    pub target: u32,
    #[prost(bool, tag = "2")]
    pub insecure: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Layout {
    #[prost(uint32, repeated, tag = "1")]
    pub shape: Vec<u32>,
    #[prost(uint32, tag = "2")]
    pub slots: u32,
    #[prost(uint32, tag = "3")]
    pub ciphertexts: u32,
    #[prost(sint32, repeated, tag = "4")]
    pub origin: Vec<i32>,
    #[prost(message, repeated, tag = "5")]
    pub digits: Vec<Digit>,
    #[prost(double, optional, tag = "6")]
    pub unused_bound: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Digit {
    #[prost(oneof = "DigitOf", tags = "1, 2, 3")]
    pub of: Option<DigitOf>,
    #[prost(uint32, tag = "4")]
    pub size: u32,
    #[prost(uint32, tag = "5")]
    pub step: u32,
    #[prost(bool, tag = "6")]
    pub in_ciphertext: bool,
    #[prost(uint32, tag = "7")]
    pub stride: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub enum DigitOf {
    #[prost(uint32, tag = "1")]
    Axis(u32),
    #[prost(bool, tag = "2")]
    Batch(bool),
    #[prost(bool, tag = "3")]
    Copy(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum Encoding {
    Float32 = 0,
    Float64 = 1,
    Varint = 2,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Blob {
    #[prost(enumeration = "Encoding", tag = "1")]
    pub encoding: i32,
    #[prost(uint64, tag = "2")]
    pub bytes: u64,
    #[prost(uint64, tag = "3")]
    pub count: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Constant {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(uint32, repeated, tag = "2")]
    pub shape: Vec<u32>,
    #[prost(uint32, tag = "3")]
    pub blob: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Operation {
    #[prost(uint32, tag = "1")]
    pub code: u32,
    #[prost(uint32, repeated, tag = "2")]
    pub operands: Vec<u32>,
    #[prost(message, optional, tag = "3")]
    pub attributes: Option<Record>,
    #[prost(message, optional, tag = "4")]
    pub r#type: Option<Type>,
    #[prost(string, optional, tag = "5")]
    pub location: Option<String>,
    #[prost(uint32, tag = "6")]
    pub last_use: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Type {
    #[prost(uint32, tag = "1")]
    pub layout: u32,
    #[prost(uint32, tag = "2")]
    pub size: u32,
    #[prost(uint32, tag = "3")]
    pub level: u32,
    #[prost(string, tag = "4")]
    pub scale: String,
    #[prost(message, optional, tag = "5")]
    pub range: Option<Range>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct Range {
    #[prost(double, tag = "1")]
    pub lo: f64,
    #[prost(double, tag = "2")]
    pub hi: f64,
    #[prost(int32, tag = "3")]
    pub source: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    #[prost(oneof = "AttributeKind", tags = "1, 2, 3, 4, 5, 6, 7, 8")]
    pub kind: Option<AttributeKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum AttributeKind {
    #[prost(bool, tag = "1")]
    Null(bool),
    #[prost(bool, tag = "2")]
    Boolean(bool),
    #[prost(double, tag = "3")]
    Number(f64),
    #[prost(string, tag = "4")]
    Text(String),
    #[prost(uint32, tag = "5")]
    Constant(u32),
    #[prost(uint32, tag = "6")]
    Layout(u32),
    #[prost(message, tag = "7")]
    List(List),
    #[prost(message, tag = "8")]
    Record(Record),
}

#[derive(Clone, PartialEq, Message)]
pub struct List {
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Record {
    #[prost(message, repeated, tag = "1")]
    pub fields: Vec<Field>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Field {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub value: Option<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Output {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(uint32, tag = "2")]
    pub value: u32,
    #[prost(message, repeated, tag = "3")]
    pub postprocess: Vec<Record>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Keys {
    #[prost(uint32, tag = "1")]
    pub relinearisation_primes: u32,
    #[prost(message, repeated, tag = "2")]
    pub rotations: Vec<RotationKey>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct RotationKey {
    #[prost(sint32, tag = "1")]
    pub step: i32,
    #[prost(uint32, tag = "2")]
    pub primes: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct Budgets {
    #[prost(double, tag = "1")]
    pub precision_bits: f64,
    #[prost(double, tag = "2")]
    pub peak_ciphertext_bytes: f64,
    #[prost(double, optional, tag = "3")]
    pub range_escape: Option<f64>,
}
