//! Bytes of `model.loom` → a checked program.

use prost::Message;

use crate::attributes::Attributes;
use crate::compositions::{Compositions, LastSteps};
use crate::container::{aligned, read_container};
use crate::diagonals::{Fold, LinearMethod, layout_before_fold};
use crate::error::{PlanError, refuse};
use crate::field_count::field_count;
use crate::layout::{Layout, read_layouts};
use crate::linear_map::{MapSize, Segments};
use crate::message;
use crate::numbers::decode_numbers;
use crate::program::{
    Constant, Form, MatrixOperand, Modulus, Op, Operation, Output, Program, RotationKey,
};
use crate::rational::scale_from_text;

/// Abilities this evaluator has beyond the basic ones.
const FEATURES: [&str; 3] = ["composed-rotations", "public-inputs", "special-primes"];
const MAX_PRIMES: usize = 128;
/// Fields of the program section, beside one for so many bytes.
const MAX_FIELDS: usize = 1 << 17;
const BYTES_PER_FIELD: usize = 64;
const MAX_OPERATIONS: usize = 1 << 20;
/// Products of all linear maps together, as in the TypeScript reader.
const MAX_PRODUCTS: u64 = 1 << 27;
/// Copies of inputs that are compared for these products.
const MAX_COMPARISONS: u64 = 1 << 31;

/// Read a plan.
///
/// Cost: two SHA-256 of the file and the weights as doubles. Fails naming the part or field; nothing
/// is allocated for a length before it was compared with what is there.
pub fn read_plan(file: &[u8]) -> Result<Program, PlanError> {
    let container = read_container(file)?;
    let limit = MAX_FIELDS + container.program.len() / BYTES_PER_FIELD;
    match field_count(container.program, limit) {
        Some(count) if count <= limit => {}
        Some(_) => return refuse("program section", format!("has more than {limit} fields")),
        None => return refuse("program section", "is no plan message"),
    }
    let message = match message::Plan::decode(container.program) {
        Ok(message) => message,
        Err(error) => return refuse("program section", format!("is no plan message: {error}")),
    };
    if let Some(unknown) = message
        .features
        .iter()
        .find(|each| !FEATURES.contains(&each.as_str()))
    {
        return refuse(
            "features",
            format!("name {unknown:?}, which this evaluator does not know"),
        );
    }
    let modulus = read_modulus(message.modulus.as_ref())?;
    let layouts = read_layouts(&message.layouts, modulus.ring_degree / 2)?;
    let constants = read_constants(&message, container.blobs)?;
    if message.operations.len() > MAX_OPERATIONS {
        return refuse("operations", format!("are {}", message.operations.len()));
    }
    let mut reader = OperationReader {
        modulus: &modulus,
        layouts: &layouts,
        constants: &constants,
        operations: Vec::with_capacity(message.operations.len()),
        products: 0,
        comparisons: 0,
    };
    for operation in &message.operations {
        reader.read(operation)?;
    }
    let operations = reader.operations;
    let outputs = read_outputs(&message.outputs, &operations)?;
    let keys = message.keys.unwrap_or_default();
    Ok(Program {
        name: message.name,
        relinearisation_primes: checked_primes(keys.relinearisation_primes, &modulus)?,
        rotations: keys
            .rotations
            .iter()
            .map(|key| {
                let slots = modulus.ring_degree as i32 / 2;
                if key.step == 0 || key.step.unsigned_abs() >= slots.unsigned_abs() {
                    return refuse("keys", format!("name a rotation by {}", key.step));
                }
                Ok(RotationKey {
                    step: key.step,
                    primes: checked_primes(key.primes, &modulus)?,
                })
            })
            .collect::<Result<_, _>>()?,
        peak_ciphertext_bytes: message
            .budgets
            .map_or(f64::NAN, |budgets| budgets.peak_ciphertext_bytes),
        modulus,
        layouts,
        constants,
        operations,
        outputs,
    })
}

/// Whether a file is a plan that this evaluator can read.
///
/// Cost: as [`crate::Prepared::new`], without listing products: at most twice the file and 64 MiB.
///
/// # Errors
/// Names the part or field.
pub fn check_plan(file: &[u8]) -> Result<(), PlanError> {
    read_plan(file).map(drop)
}

fn checked_primes(primes: u32, modulus: &Modulus) -> Result<usize, PlanError> {
    let primes = primes as usize;
    if primes > modulus.primes.len() {
        return refuse(
            "keys",
            format!("ask for {primes} primes of {}", modulus.primes.len()),
        );
    }
    Ok(primes)
}

/// The rotations of a method that have no key; none where nothing is said of them.
fn read_compositions(
    method: &Attributes<'_>,
    slots: u32,
    what: &str,
) -> Result<Compositions, PlanError> {
    if !method.has("compositions") {
        return Ok(Compositions::default());
    }
    let Some(lists) = method.record("compositions")? else {
        return refuse(what, "has no compositions");
    };
    let list = |name: &str| -> Result<LastSteps, PlanError> {
        let pairs = lists
            .records(name)?
            .iter()
            .map(|each| Ok((each.signed("rotation")?, each.signed("step")?)))
            .collect::<Result<Vec<_>, PlanError>>()?;
        LastSteps::new(&pairs, slots).or_else(|reason| refuse(what, reason))
    };
    Ok(Compositions {
        inputs: list("inputs")?,
        sums: list("sums")?,
        folds: list("folds")?,
    })
}

fn read_modulus(message: Option<&message::Modulus>) -> Result<Modulus, PlanError> {
    let what = "modulus";
    let Some(message) = message else {
        return refuse(what, "is missing");
    };
    let degree = message.ring_degree;
    if !degree.is_power_of_two() || !(1 << 10..=1 << 17).contains(&degree) {
        return refuse(what, format!("has ring degree {degree}"));
    }
    let data = message.primes.len();
    let all: Vec<u64> = [&message.primes[..], &message.special_primes].concat();
    if !(1..=data).contains(&message.special_primes.len()) || all.len() > MAX_PRIMES {
        return refuse(
            what,
            format!("has {data} data primes of {} primes", all.len()),
        );
    }
    for (n, &prime) in all.iter().enumerate() {
        if prime >> 60 != 0 || prime % (2 * u64::from(degree)) != 1 || !is_prime(prime) {
            return refuse(
                what,
                format!("has {prime}, which is no prime it can compute with"),
            );
        }
        if all[..n].contains(&prime) {
            return refuse(what, format!("has the prime {prime} twice"));
        }
    }
    Ok(Modulus {
        ring_degree: degree,
        primes: message.primes.clone(),
        special_primes: message.special_primes.clone(),
    })
}

/// Miller–Rabin with the bases that decide every number below 2^64 (Sinclair 2011).
fn is_prime(n: u64) -> bool {
    if n < 2 || n.is_multiple_of(2) {
        return n == 2;
    }
    let power_of_two = (n - 1).trailing_zeros();
    let odd = (n - 1) >> power_of_two;
    let multiply = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(n)) as u64;
    [2, 325, 9375, 28178, 450_775, 9_780_504, 1_795_265_022]
        .into_iter()
        .map(|base: u64| base % n)
        .filter(|&base| base != 0)
        .all(|base| {
            let mut x = 1;
            for bit in (0..64 - odd.leading_zeros()).rev() {
                x = multiply(x, x);
                if odd >> bit & 1 == 1 {
                    x = multiply(x, base);
                }
            }
            x == 1
                || (0..power_of_two).any(|_| {
                    let witness = x == n - 1;
                    x = multiply(x, x);
                    witness
                })
        })
}

fn read_constants(message: &message::Plan, blobs: &[u8]) -> Result<Vec<Constant>, PlanError> {
    let mut offset = 0u64;
    let mut decoded: Vec<Vec<f64>> = Vec::new();
    for (n, blob) in message.blobs.iter().enumerate() {
        let what = format!("blob {n}");
        let end = offset
            .checked_add(blob.bytes)
            .filter(|&end| end <= blobs.len() as u64);
        let Some(end) = end else {
            return refuse(
                what,
                format!("ends behind the {} bytes there are", blobs.len()),
            );
        };
        if blob.count > blob.bytes {
            return refuse(
                what,
                format!("states {} numbers in {} bytes", blob.count, blob.bytes),
            );
        }
        let Ok(encoding) = message::Encoding::try_from(blob.encoding) else {
            return refuse(what, format!("has encoding {}", blob.encoding));
        };
        let bytes = &blobs[offset as usize..end as usize];
        decoded.push(decode_numbers(encoding, bytes, blob.count as usize, &what)?);
        offset = aligned(end).unwrap_or(u64::MAX);
    }
    if offset != blobs.len() as u64 {
        return refuse(
            "weights",
            format!("have {} bytes, not {offset}", blobs.len()),
        );
    }
    // A number of bytes is read once however many constants share them: only the last takes it over.
    let mut uses = vec![0usize; decoded.len()];
    let mut total = 0u64;
    for constant in &message.constants {
        let Some(count) = uses.get_mut(constant.blob as usize) else {
            return refuse(
                format!("constant @{}", constant.name),
                "names a blob that is not there",
            );
        };
        *count += 1;
        total += decoded[constant.blob as usize].len() as u64;
    }
    if total > 2 * blobs.len() as u64 + MAX_OPERATIONS as u64 {
        return refuse("constants", format!("repeat blobs to {total} numbers"));
    }
    message
        .constants
        .iter()
        .map(|constant| {
            let what = format!("constant @{}", constant.name);
            let blob = constant.blob as usize;
            uses[blob] -= 1;
            let data = match uses[blob] {
                0 => std::mem::take(&mut decoded[blob]),
                _ => decoded[blob].clone(),
            };
            let elements = constant.shape.iter().try_fold(1u64, |product, &extent| {
                product.checked_mul(u64::from(extent))
            });
            if constant.shape.len() > 16 || elements != Some(data.len() as u64) {
                return refuse(what, format!("has {} numbers for its shape", data.len()));
            }
            Ok(Constant {
                name: constant.name.clone(),
                shape: constant.shape.clone(),
                data,
            })
        })
        .collect()
}

fn read_outputs(
    outputs: &[message::Output],
    operations: &[Operation],
) -> Result<Vec<Output>, PlanError> {
    outputs
        .iter()
        .map(|output| {
            let what = format!("output {:?}", output.name);
            match operations.get(output.value as usize) {
                Some(operation) if operation.form.size == 2 => Ok(Output {
                    name: output.name.clone(),
                    value: output.value as usize,
                }),
                Some(_) => refuse(what, "is not relinearised"),
                None => refuse(what, format!("names operation {}", output.value)),
            }
        })
        .collect()
}

struct OperationReader<'a> {
    modulus: &'a Modulus,
    layouts: &'a [Layout],
    constants: &'a [Constant],
    operations: Vec<Operation>,
    products: u64,
    comparisons: u64,
}

impl OperationReader<'_> {
    fn read(&mut self, message: &message::Operation) -> Result<(), PlanError> {
        let id = self.operations.len();
        let code = message.code;
        let what = format!("operation {id} (code {code})");
        let operands: Vec<usize> = message
            .operands
            .iter()
            .map(|&operand| operand as usize)
            .collect();
        if operands.iter().any(|&operand| operand >= id) {
            return refuse(what, "reads an operation that does not come before it");
        }
        let empty = message::Record::default();
        let record = message.attributes.as_ref().unwrap_or(&empty);
        let attributes = Attributes::new(record, &what);
        let (layout, form) = self.read_type(message.r#type.as_ref(), &what)?;
        let constants = self.constants.len();
        let (op, arity) = match code {
            201 => (
                Op::Input {
                    name: attributes.text("name")?.to_owned(),
                },
                Some(0),
            ),
            202 => (
                self.read_linear(&attributes, &operands, layout, &what)?,
                None,
            ),
            203 => (Op::Add, Some(2)),
            204 => (Op::Sub, Some(2)),
            205 => (Op::Multiply, Some(2)),
            206 => (Op::Square, Some(1)),
            207 => (Op::Relinearize, Some(1)),
            208 => (Op::Rescale, Some(1)),
            209 => (
                Op::LevelDrop {
                    level: attributes.integer("level")? as usize,
                },
                Some(1),
            ),
            210 => (
                Op::AddConstant {
                    constant: attributes.constant("value", constants)?,
                },
                Some(1),
            ),
            211 => {
                let constant = attributes.constant("value", constants)?;
                let plain_scale = scale_from_text(attributes.text("plainScale")?, &what)?;
                (
                    Op::MultiplyConstant {
                        constant,
                        plain_scale,
                    },
                    Some(1),
                )
            }
            212 => (
                Op::AddPublic {
                    value: attributes.text("value")?.to_owned(),
                },
                Some(1),
            ),
            213 => (
                Op::MultiplyPublic {
                    value: attributes.text("value")?.to_owned(),
                    plain_scale: scale_from_text(attributes.text("plainScale")?, &what)?,
                },
                Some(1),
            ),
            _ => return refuse(what, "is not known to this evaluator"),
        };
        if arity.is_some_and(|arity| arity != operands.len()) {
            return refuse(what, format!("has {} operands", operands.len()));
        }
        let operation = Operation {
            op,
            operands,
            layout,
            form,
            location: message.location.clone(),
        };
        self.check(&operation, &what)?;
        self.operations.push(operation);
        Ok(())
    }

    fn read_type(
        &self,
        message: Option<&message::Type>,
        what: &str,
    ) -> Result<(usize, Form), PlanError> {
        let Some(message) = message else {
            return refuse(what, "has no type");
        };
        let layout = message.layout as usize;
        let level = message.level as usize;
        if layout >= self.layouts.len() || level >= self.modulus.primes.len() {
            return refuse(
                what,
                format!("has layout {layout} and level {level}, which are not there"),
            );
        }
        if !(2..=3).contains(&message.size) {
            return refuse(what, format!("makes {} polynomials", message.size));
        }
        let scale = scale_from_text(&message.scale, what)?;
        let room: f64 = self.modulus.primes[..=level]
            .iter()
            .map(|&q| (q as f64).log2())
            .sum();
        if !(scale > 1.0 && scale.log2() < room) {
            return refuse(
                what,
                format!(
                    "has a scale of 2^{:.2} in a modulus of 2^{room:.2}",
                    scale.log2()
                ),
            );
        }
        let form = Form {
            level,
            scale,
            size: message.size as usize,
        };
        Ok((layout, form))
    }

    fn read_linear(
        &mut self,
        attributes: &Attributes<'_>,
        operands: &[usize],
        layout: usize,
        what: &str,
    ) -> Result<Op, PlanError> {
        let Some(method) = attributes.record("method")? else {
            return refuse(what, "has no method");
        };
        let slots = self.modulus.ring_degree / 2;
        let giant_step = method.integer("giantStep")?;
        let fold = match method.record("fold")? {
            None => None,
            Some(fold) => Some(Fold {
                step: fold.integer("step")?,
                count: fold.integer("count")?,
            }),
        };
        let fits = fold.is_none_or(|Fold { step, count }| {
            step > 0
                && count.is_power_of_two()
                && u64::from(step) * u64::from(count) <= u64::from(slots)
        });
        if giant_step > slots || !fits {
            return refuse(
                what,
                format!("has a giant step or a fold that {slots} slots do not hold"),
            );
        }
        let hoist = method.optional_flag("hoist")?.unwrap_or(true);
        let maps = attributes.records("maps")?;
        let scales = attributes.texts("plainScales")?;
        if operands.is_empty() || maps.len() != operands.len() || scales.len() != operands.len() {
            return refuse(
                what,
                format!(
                    "has {} maps and {} scales for {} operands",
                    maps.len(),
                    scales.len(),
                    operands.len()
                ),
            );
        }
        let output = &self.layouts[layout];
        let copies = layout_before_fold(output, fold).most_copies();
        let maps = maps
            .iter()
            .zip(scales)
            .zip(operands)
            .map(|((map, scale), &operand)| {
                let input = &self.layouts[self.operations[operand].layout];
                let weights = map.constant("weights", self.constants.len())?;
                let segments = map.constant("segments", self.constants.len())?;
                let size = MapSize {
                    outputs: output.element_count(),
                    inputs: input.element_count(),
                    weights: self.constants[weights].data.len(),
                };
                let segments = Segments::decode(&self.constants[segments].data, size, what)?;
                let work = segments.entry_count().saturating_mul(copies);
                let comparisons = work.saturating_mul(input.most_copies());
                self.products = self.products.saturating_add(work);
                self.comparisons = self.comparisons.saturating_add(comparisons);
                Ok(MatrixOperand {
                    segments,
                    weights,
                    plain_scale: scale_from_text(scale, what)?,
                })
            })
            .collect::<Result<_, _>>()?;
        if self.products > MAX_PRODUCTS || self.comparisons > MAX_COMPARISONS {
            return refuse(
                what,
                format!(
                    "expands the linear maps to {} products, {} choices of a copy",
                    self.products, self.comparisons
                ),
            );
        }
        Ok(Op::Linear {
            maps,
            method: LinearMethod {
                giant_step,
                fold,
                hoist,
            },
            compositions: read_compositions(&method, slots, what)?,
        })
    }

    /// Levels, sizes and numbers of ciphertexts follow from the operands.
    fn check(&self, operation: &Operation, what: &str) -> Result<(), PlanError> {
        let Operation {
            op,
            operands,
            layout,
            form,
            ..
        } = operation;
        let forms = || {
            operands
                .iter()
                .map(|&operand| self.operations[operand].form)
        };
        let first = forms().next();
        let level = first.map_or(form.level, |first| first.level);
        if forms().any(|each| each.level != level) {
            return refuse(what, "has operands of different levels");
        }
        let largest = forms().map(|each| each.size).max().unwrap_or(2);
        let linear = matches!(op, Op::Linear { .. });
        // Linear operations of numbers take three polynomials; `Prepared` refuses the others.
        if largest != 2 && matches!(op, Op::Multiply | Op::Square) {
            return refuse(what, "has an operand that is not relinearised");
        }
        let size = match op {
            Op::Multiply | Op::Square => 3,
            Op::Relinearize | Op::Input { .. } => 2,
            _ => largest,
        };
        let made = match op {
            Op::Rescale => level.checked_sub(1),
            Op::LevelDrop { level: to } => (*to <= level).then_some(*to),
            _ => Some(level),
        };
        if made != Some(form.level) || size != form.size {
            return refuse(
                what,
                format!(
                    "states level {} and {} polynomials, its operands give others",
                    form.level, form.size
                ),
            );
        }
        let layout = &self.layouts[*layout];
        for &operand in operands {
            let other = self.layouts_of(operand);
            if !linear && other.ciphertexts != layout.ciphertexts {
                return refuse(
                    what,
                    format!(
                        "makes {} ciphertexts of {}",
                        layout.ciphertexts, other.ciphertexts
                    ),
                );
            }
        }
        if let Op::AddConstant { constant } | Op::MultiplyConstant { constant, .. } = op {
            let shape = &self.constants[*constant].shape;
            let fits = shape.len() <= layout.shape.len()
                && shape
                    .iter()
                    .rev()
                    .zip(layout.shape.iter().rev())
                    .all(|(&extent, &to)| extent == 1 || extent == to);
            if !fits {
                return refuse(what, "has a constant that does not fit its shape");
            }
        }
        Ok(())
    }

    fn layouts_of(&self, value: usize) -> &Layout {
        &self.layouts[self.operations[value].layout]
    }
}

#[cfg(test)]
mod tests {
    use super::is_prime;

    #[test]
    fn decides_primes() {
        for prime in [2, 3, 65537, 1_125_899_906_826_241, (1 << 61) - 1] {
            assert!(is_prime(prime), "{prime}");
        }
        for composite in [
            0,
            1,
            4,
            561,
            3_215_031_751,
            3_825_123_056_546_413_051,
            (1 << 61) + 1,
        ] {
            assert!(!is_prime(composite), "{composite}");
        }
    }
}
