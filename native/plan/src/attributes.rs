//! Attributes of an operation by name.

use crate::error::{PlanError, refuse};
use crate::message::{Attribute, AttributeKind, Record};

/// A record, and where it stands.
pub struct Attributes<'a> {
    record: &'a Record,
    what: &'a str,
}

impl<'a> Attributes<'a> {
    pub fn new(record: &'a Record, what: &'a str) -> Self {
        Self { record, what }
    }

    fn get(&self, name: &str) -> Result<&'a AttributeKind, PlanError> {
        let field = self.record.fields.iter().find(|field| field.name == name);
        match field.and_then(|field| field.value.as_ref()?.kind.as_ref()) {
            Some(kind) => Ok(kind),
            None => refuse(self.what, format!("has no attribute {name}")),
        }
    }

    fn wrong<T>(&self, name: &str) -> Result<T, PlanError> {
        refuse(
            self.what,
            format!("has an attribute {name} of another form"),
        )
    }

    pub fn integer(&self, name: &str) -> Result<u32, PlanError> {
        match self.get(name)? {
            AttributeKind::Number(value)
                if value.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(value) =>
            {
                Ok(*value as u32)
            }
            _ => self.wrong(name),
        }
    }

    pub fn signed(&self, name: &str) -> Result<i32, PlanError> {
        match self.get(name)? {
            AttributeKind::Number(value)
                if value.fract() == 0.0 && value.abs() <= f64::from(i32::MAX) =>
            {
                Ok(*value as i32)
            }
            _ => self.wrong(name),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.record.fields.iter().any(|field| field.name == name)
    }

    pub fn text(&self, name: &str) -> Result<&'a str, PlanError> {
        match self.get(name)? {
            AttributeKind::Text(text) => Ok(text),
            _ => self.wrong(name),
        }
    }

    /// None where there is no such attribute.
    pub fn optional_flag(&self, name: &str) -> Result<Option<bool>, PlanError> {
        if !self.has(name) {
            return Ok(None);
        }
        match self.get(name)? {
            AttributeKind::Boolean(value) => Ok(Some(*value)),
            _ => self.wrong(name),
        }
    }

    /// Index of a constant below `count`.
    pub fn constant(&self, name: &str, count: usize) -> Result<usize, PlanError> {
        match self.get(name)? {
            AttributeKind::Constant(index) if (*index as usize) < count => Ok(*index as usize),
            _ => self.wrong(name),
        }
    }

    /// None where the attribute is null.
    pub fn record(&self, name: &str) -> Result<Option<Attributes<'a>>, PlanError> {
        match self.get(name)? {
            AttributeKind::Null(true) => Ok(None),
            AttributeKind::Record(record) => Ok(Some(Attributes::new(record, self.what))),
            _ => self.wrong(name),
        }
    }

    fn list(&self, name: &str) -> Result<&'a [Attribute], PlanError> {
        match self.get(name)? {
            AttributeKind::List(list) => Ok(&list.items),
            _ => self.wrong(name),
        }
    }

    pub fn records(&self, name: &str) -> Result<Vec<Attributes<'a>>, PlanError> {
        self.list(name)?
            .iter()
            .map(|item| match &item.kind {
                Some(AttributeKind::Record(record)) => Ok(Attributes::new(record, self.what)),
                _ => self.wrong(name),
            })
            .collect()
    }

    pub fn texts(&self, name: &str) -> Result<Vec<&'a str>, PlanError> {
        self.list(name)?
            .iter()
            .map(|item| match &item.kind {
                Some(AttributeKind::Text(text)) => Ok(text.as_str()),
                _ => self.wrong(name),
            })
            .collect()
    }
}
