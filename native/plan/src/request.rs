//! What the threads of one run share: plan, keys, inputs, and who watches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ckks::{Ciphertext, Plaintext, Weights};

use crate::encode::PlaintextMaker;
use crate::evaluator::Evaluator;
use crate::inputs::Inputs;
use crate::keys::Keys;
use crate::linear_work::{LinearWork, Part};
use crate::plaintexts::{Kept, PlaintextKey, Storage};
use crate::prepare::{Prepared, Work};
use crate::program::{Form, Op, ValueId};
use crate::run_error::RunError;
use crate::slot_constants::SlotConstant;

/// Largest relative difference of a scale computed in doubles from the plan's exact one.
const SCALE_TOLERANCE: f64 = 1.0 / (1u64 << 45) as f64;
/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// Units of work done, of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Done so far.
    pub done: usize,
    /// Of the whole run.
    pub total: usize,
    /// Name of the model's node that is computed, where the operation has one.
    pub node: Option<&'a str>,
}

/// How a caller watches and stops a run.
pub struct Control<'a> {
    /// Looked at after each unit of work.
    pub cancelled: &'a AtomicBool,
    /// Called some twenty times a second, and at the end; by any of the threads, one at a time.
    pub progress: &'a mut (dyn FnMut(Progress<'_>) + Send),
}

/// Whether anyone can read the value: what products with zero add up to.
pub fn is_transparent(value: &Ciphertext) -> bool {
    let mut masks = value.polynomials()[1..].iter();
    masks.all(|polynomial| polynomial.words().iter().all(|&word| word == 0))
}

/// What was done, and when it was last told.
struct Watch<'a> {
    progress: &'a mut (dyn FnMut(Progress<'_>) + Send),
    node: Option<&'a str>,
    done: usize,
    reported: Instant,
}

/// One execution, without the values it computed.
pub struct Request<'a> {
    pub evaluator: &'a Evaluator,
    pub prepared: &'a Prepared,
    pub keys: &'a Keys,
    inputs: &'a Inputs,
    cancelled: &'a AtomicBool,
    watch: Mutex<Watch<'a>>,
    /// Those that no thread uses: never more than there are threads.
    makers: Mutex<Vec<PlaintextMaker<'a>>>,
}

impl<'a> Request<'a> {
    pub fn new(
        evaluator: &'a Evaluator,
        keys: &'a Keys,
        inputs: &'a Inputs,
        control: &'a mut Control<'_>,
    ) -> Self {
        Self {
            prepared: &evaluator.prepared,
            evaluator,
            keys,
            inputs,
            cancelled: control.cancelled,
            watch: Mutex::new(Watch {
                progress: control.progress,
                node: None,
                done: 0,
                reported: Instant::now(),
            }),
            makers: Mutex::default(),
        }
    }

    /// The result of an operation that works on ciphertext `index` of each operand alone.
    pub fn made(
        &self,
        id: ValueId,
        operands: &[Arc<Ciphertext>],
        index: usize,
    ) -> Result<Ciphertext, RunError> {
        let operation = &self.prepared.program.operations[id];
        let context = &self.evaluator.context;
        match (&operation.op, operands) {
            (Op::Input { name }, _) => self.input(name, operation.form, id, index),
            (_, [a]) => self.elementwise(id, a, index),
            (Op::Add, [a, b]) => Ok(context.add(a, b)?),
            (Op::Sub, [a, b]) => Ok(context.sub(a, b)?),
            (Op::Multiply, [a, b]) => Ok(context.multiply(a, b)?),
            (op, _) => Err(RunError::Internal(format!("{op:?} cannot be run"))),
        }
    }

    fn input(
        &self,
        name: &str,
        form: Form,
        id: ValueId,
        index: usize,
    ) -> Result<Ciphertext, RunError> {
        let refuse = |reason: String| RunError::Input {
            name: name.to_owned(),
            reason,
        };
        let blobs = self
            .inputs
            .ciphertexts
            .get(name)
            .ok_or_else(|| refuse("is missing".to_owned()))?;
        let expected = self.prepared.program.layout_of(id).ciphertexts as usize;
        if blobs.count() != expected {
            return Err(refuse(format!(
                "has {} ciphertexts, expected {expected}",
                blobs.count()
            )));
        }
        let blob = blobs
            .read(index)
            .map_err(|error| refuse(format!("has a ciphertext that cannot be read: {error}")))?;
        self.evaluator.read(name, &blob, form.level + 1, form.scale)
    }

    /// The result of an operation on one ciphertext.
    pub fn elementwise(
        &self,
        id: ValueId,
        x: &Ciphertext,
        index: usize,
    ) -> Result<Ciphertext, RunError> {
        let context = &self.evaluator.context;
        Ok(match self.prepared.program.operations[id].op {
            Op::Square => context.square(x)?,
            Op::Rescale => context.rescale(x)?,
            Op::LevelDrop { level } => context.drop_to(x, level + 1)?,
            Op::Relinearize => {
                let key = self.keys.relinearisation(context)?;
                context.relinearise(x, key)?
            }
            Op::AddConstant { .. } => match self.constant(id, index)? {
                SlotConstant::Number(value) => context.add_constant(x, value)?,
                SlotConstant::Vector => {
                    let plain = self.constant_vector(id, index, x.scale(), x.primes())?;
                    context.add_plain(x, &plain)?
                }
            },
            Op::MultiplyConstant { plain_scale, .. } => {
                let product = match self.constant(id, index)? {
                    SlotConstant::Number(value) => context.mul_constant(x, value, plain_scale)?,
                    SlotConstant::Vector => {
                        let plain = self.constant_vector(id, index, plain_scale, x.primes())?;
                        context.mul_plain(x, &plain)?
                    }
                };
                self.hidden(product, x, plain_scale)?
            }
            Op::AddPublic { .. } => {
                let plain = self.public_vector(id, index, x.scale(), x.primes())?;
                context.add_plain(x, &plain)?
            }
            Op::MultiplyPublic { plain_scale, .. } => {
                let plain = self.public_vector(id, index, plain_scale, x.primes())?;
                self.hidden(context.mul_plain(x, &plain)?, x, plain_scale)?
            }
            ref op => return Err(RunError::Internal(format!("{op:?} has one operand"))),
        })
    }

    fn constant(&self, id: ValueId, index: usize) -> Result<SlotConstant, RunError> {
        match &self.prepared.work[id] {
            Work::Constants(constants) => Ok(constants.of(index)),
            _ => Err(RunError::Internal(format!("%{id} has no constants"))),
        }
    }

    fn constant_vector(
        &self,
        id: ValueId,
        index: usize,
        scale: f64,
        primes: usize,
    ) -> Result<Arc<Plaintext>, RunError> {
        let work = &self.prepared.work[id];
        self.plaintext((id, index), scale, primes, |slots| {
            if let Work::Constants(constants) = work {
                constants.fill(index, slots);
            }
        })
    }

    /// A value of this request; it is encoded for this run and never kept.
    fn public_vector(
        &self,
        id: ValueId,
        index: usize,
        scale: f64,
        primes: usize,
    ) -> Result<Plaintext, RunError> {
        let Work::Public(public) = &self.prepared.work[id] else {
            return Err(RunError::Internal(format!("%{id} has no public value")));
        };
        let given = &self.inputs.public;
        if let Some((name, reason)) = public.missing_in(given) {
            return Err(RunError::Public {
                name: name.to_owned(),
                reason,
            });
        }
        self.encoded(scale, primes, |slots| {
            public.fill(index, given, slots);
        })
    }

    /// The plaintext of a key, kept or made now.
    fn plaintext(
        &self,
        key: PlaintextKey,
        scale: f64,
        primes: usize,
        fill: impl FnOnce(&mut [f64]),
    ) -> Result<Arc<Plaintext>, RunError> {
        let plaintexts = &self.evaluator.plaintexts;
        let storage = plaintexts.storage(key);
        let known = match plaintexts.find(key) {
            Some(Kept::Plaintext(known)) => return Ok(known),
            Some(Kept::Coefficients(known)) => Some(known),
            _ => None,
        };
        let polynomial = self.with_maker(|maker| {
            if let Some(known) = &known {
                return Ok(maker.transformed(known, primes, false));
            }
            let made = maker.polynomial(scale, primes, false, fill)?;
            if storage == Storage::Coefficients {
                plaintexts.keep(key, Kept::Coefficients(maker.coefficients().into()));
            }
            Ok::<_, RunError>(made)
        })?;
        let made = Arc::new(Plaintext::new(polynomial, scale));
        if storage == Storage::Transformed {
            plaintexts.keep(key, Kept::Plaintext(Arc::clone(&made)));
        }
        Ok(made)
    }

    /// The plaintexts of a part of a linear operation, kept or made now.
    pub fn weights(
        &self,
        id: ValueId,
        work: &LinearWork,
        part: usize,
    ) -> Result<Arc<Weights>, RunError> {
        let (plaintexts, key) = (&self.evaluator.plaintexts, (id, part));
        let storage = plaintexts.storage(key);
        let known = match plaintexts.find(key) {
            Some(Kept::Weights(known)) => return Ok(known),
            Some(Kept::Coefficients(known)) => Some(known),
            _ => None,
        };
        let context = &self.evaluator.context;
        let (degree, extended) = (context.degree(), work.extended);
        let primes = self.prepared.program.operations[id].form.level + 1;
        let Part {
            positions, terms, ..
        } = &work.parts[part];
        let mut made = context.weights(terms.clone(), primes, extended);
        let mut coefficients: Vec<i64> = Vec::new();
        let known = known.as_deref();
        let groups = &work.order[positions.clone()];
        let threads = context.workers().threads();
        for (n, together) in groups.chunks(threads).enumerate() {
            let tasks = together.iter().enumerate();
            let tasks = tasks.map(|(k, &g)| (n * threads + k, g)).collect();
            let encoded = context.workers().map(tasks, |(term, g)| {
                self.with_maker(|maker| {
                    if let Some(known) = known {
                        let known = &known[term * degree..][..degree];
                        let polynomial = maker.transformed(known, primes, extended);
                        return Ok((term, polynomial, Vec::new()));
                    }
                    let scale = work.plain_scales[work.groups.list[g].operand as usize];
                    let fill = |slots: &mut [f64]| work.fill(g, slots);
                    let polynomial = maker.polynomial(scale, primes, extended, fill)?;
                    let kept = match storage {
                        Storage::Coefficients => maker.coefficients().to_vec(),
                        _ => Vec::new(),
                    };
                    Ok::<_, RunError>((term, polynomial, kept))
                })
            });
            for encoded in encoded {
                let (term, polynomial, kept) = encoded?;
                coefficients.extend_from_slice(&kept);
                context.place_weight(&mut made, term, &polynomial);
            }
            self.tick(0)?;
        }
        let made = Arc::new(made);
        match storage {
            Storage::Transformed => plaintexts.keep(key, Kept::Weights(Arc::clone(&made))),
            Storage::Coefficients if known.is_none() => {
                plaintexts.keep(key, Kept::Coefficients(coefficients.into()));
            }
            _ => {}
        }
        Ok(made)
    }

    /// A product of `x`; one with zero must not be readable by everybody.
    fn hidden(
        &self,
        product: Ciphertext,
        x: &Ciphertext,
        plain_scale: f64,
    ) -> Result<Ciphertext, RunError> {
        if is_transparent(&product) {
            self.vanishing(x, plain_scale)
        } else {
            Ok(product)
        }
    }

    /// An encryption of zero that an observer without the key cannot tell from another one: the
    /// value times 1 / `plain_scale`, an error below the rounding of any other encoded weight.
    pub fn vanishing(&self, x: &Ciphertext, plain_scale: f64) -> Result<Ciphertext, RunError> {
        let context = &self.evaluator.context;
        Ok(context.mul_constant(x, 1.0 / plain_scale, plain_scale)?)
    }

    fn encoded(
        &self,
        scale: f64,
        primes: usize,
        fill: impl FnOnce(&mut [f64]),
    ) -> Result<Plaintext, RunError> {
        self.with_maker(|maker| maker.encode(scale, primes, fill))
    }

    fn with_maker<R>(&self, encode: impl FnOnce(&mut PlaintextMaker<'a>) -> R) -> R {
        let kept = locked(&self.makers).pop();
        let Evaluator {
            context, encoder, ..
        } = self.evaluator;
        let mut maker = kept.unwrap_or_else(|| PlaintextMaker::new(context, encoder));
        let made = encode(&mut maker);
        locked(&self.makers).push(maker);
        made
    }

    /// The value with the plan's scale, if it is what the plan says.
    pub fn stamped(&self, id: ValueId, mut value: Ciphertext) -> Result<Ciphertext, RunError> {
        let form = self.prepared.program.operations[id].form;
        let (level, size) = (value.primes() - 1, value.polynomials().len());
        if level != form.level || size != form.size {
            return Err(RunError::Internal(format!(
                "%{id} has level {level} and {size} polynomials, the plan says {} and {}",
                form.level, form.size
            )));
        }
        stamp(&mut value, form.scale)?;
        Ok(value)
    }

    /// The operation that is computed from now on.
    pub fn begin(&self, id: ValueId) {
        locked(&self.watch).node = self.prepared.program.operations[id].location.as_deref();
    }

    /// Count units of work; stops the run where the caller asked for it.
    pub fn tick(&self, units: usize) -> Result<(), RunError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(RunError::Cancelled);
        }
        let mut watch = locked(&self.watch);
        watch.done += units;
        if watch.reported.elapsed() >= REPORT_EVERY {
            watch.reported = Instant::now();
            let (done, node) = (watch.done, watch.node);
            self.report(&mut watch, done, node);
        }
        Ok(())
    }

    /// Everything is done.
    pub fn end(&self) {
        self.report(&mut locked(&self.watch), self.prepared.units, None);
    }

    fn report(&self, watch: &mut Watch<'_>, done: usize, node: Option<&str>) {
        (watch.progress)(Progress {
            done,
            total: self.prepared.units,
            node,
        });
    }
}

/// A thread that panicked left what it held whole: a count, a list of scratch.
fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Give a value the plan's scale, from which its own may differ by rounding only.
pub fn stamp(value: &mut Ciphertext, scale: f64) -> Result<(), RunError> {
    check_scale(value.scale(), scale)?;
    value.set_scale(scale);
    Ok(())
}

/// Refuse a scale that differs from the plan's by more than rounding.
pub fn check_scale(own: f64, scale: f64) -> Result<(), RunError> {
    let difference = (own / scale - 1.0).abs();
    if difference.is_nan() || difference > SCALE_TOLERANCE {
        return Err(RunError::Internal(format!(
            "a scale is {own}, the plan says {scale}"
        )));
    }
    Ok(())
}
