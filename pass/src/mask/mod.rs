//! Masks on addresses (contract, rules 5 to 8), and which accesses go without.

pub mod access;
pub mod address;
pub mod bounds;
mod elide;
mod emit;
mod parallel;
mod place;
mod scans;
mod webs;

use crate::cfg::Cfg;
use crate::llvm::{Function, Linkage, LlvmError, Module, Place as Attributes, Value};
use crate::options::{Level, Options, Scheme, Strength};
use crate::tls;
use access::{Access, Positions};
use address::{Address, Place};
use emit::{Encoding, Masker};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// What was done in one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Memory operands.
    pub accesses: u64,
    /// Masks emitted.
    pub masks: u64,
    /// Accesses that caused no mask of their own.
    pub elided: u64,
}

/// Masks every function with a body; the answer is by symbol name.
pub fn run(module: &Module<'_>, options: &Options) -> Result<HashMap<String, Stats>, LlvmError> {
    let paper = options.scheme == Scheme::Paper;
    let transient = options.strength == Strength::Transient;
    let encoding = if paper || transient {
        Encoding::Btr
    } else {
        Encoding::And
    };
    let masker = Masker::new(module, encoding, options.mask_bits)?;
    let symbols = Symbols::default();
    let mut all = HashMap::new();
    for function in module.defined_functions() {
        scans::define(
            module,
            function,
            options.mask_all,
            options.level != Level::Spap,
        );
        tls::near_copies(module, function);
        let Some(mut work) = Work::new(module, &masker, &symbols, function, options.level) else {
            continue;
        };
        if options.level != Level::Spap {
            if options.mask_all || paper {
                work.each_access();
            } else if transient {
                work.each_region();
            } else {
                elide::run(&mut work);
            }
        }
        work.stats.elided = work.stats.accesses.saturating_sub(work.stats.masks);
        all.insert(function.name(), work.stats);
    }
    Ok(all)
}

/// Which symbols are of this image; asking LLVM is slow, so once each.
#[derive(Default)]
struct Symbols {
    local: RefCell<HashMap<Value, bool>>,
}

impl Symbols {
    fn is_local(&self, symbol: Value) -> bool {
        *self.local.borrow_mut().entry(symbol).or_insert_with(|| {
            // An undefined weak symbol is at address 0, which is not of the image.
            symbol.linkage() != Linkage::LLVMExternalWeakLinkage && symbol.is_dso_local()
        })
    }
}

/// One function being masked.
struct Work<'a, 'm> {
    module: &'a Module<'m>,
    masker: &'a Masker<'a>,
    symbols: &'a Symbols,
    cfg: Cfg,
    /// Those that the level protects.
    accesses: Vec<Access>,
    positions: Positions,
    /// How often each block runs, as far as can be guessed.
    frequency: Vec<f64>,
    /// The hidden mask constant, in functions that need one.
    constant: Option<Value>,
    /// The masks made so far.
    masks: HashSet<Value>,
    stats: Stats,
}

impl<'a, 'm> Work<'a, 'm> {
    fn new(
        module: &'a Module<'m>,
        masker: &'a Masker<'a>,
        symbols: &'a Symbols,
        function: Function,
        level: Level,
    ) -> Option<Self> {
        let cfg = Cfg::new(function)?;
        parallel::merge(module, &cfg);
        let (mut accesses, positions) = access::collect(module.layout(), &cfg);
        let stats = Stats {
            accesses: accesses.len() as u64,
            ..Stats::default()
        };
        if level == Level::Pks {
            accesses.retain(|a| a.store);
        }
        let profile = module.context().metadata_kind("prof");
        let features = function
            .string_attribute(Attributes::Function, "target-features")
            .unwrap_or_default();
        let bmi2 = features.split(',').any(|f| f == "+bmi2");
        let constant = if bmi2 && level != Level::Spap {
            masker.hide_constant(function)
        } else {
            None
        };
        Some(Work {
            frequency: cfg.frequencies(|b| {
                b.terminator()
                    .map(|t| t.branch_weights(profile))
                    .unwrap_or_default()
            }),
            masks: HashSet::new(),
            constant,
            module,
            masker,
            symbols,
            cfg,
            accesses,
            positions,
            stats,
        })
    }
    fn place(&self, address: &Address, size: u64) -> Place {
        address::place(self.module.layout(), address, size, |s| {
            self.symbols.is_local(s)
        })
    }
    fn mask(&mut self, pointer: Value) -> Value {
        self.stats.masks += 1;
        let masked = self.masker.mask(pointer, self.constant);
        self.masks.insert(masked);
        masked
    }
    fn is_mask(&self, value: Value) -> bool {
        self.masks.contains(&value)
    }

    /// A mask on every access that is not a slot or a symbol, nothing shared.
    fn each_access(&mut self) {
        for access in std::mem::take(&mut self.accesses) {
            let Some(pointer) = access.pointer() else {
                continue;
            };
            let address = Address::of(self.module.layout(), pointer, false);
            match self.place(&address, access.size) {
                Place::Slot | Place::Known => continue,
                Place::BadSlot | Place::Anywhere => {}
            }
            self.masker.builder.before(access.instruction);
            let masked = self.mask(pointer);
            access.instruction.set_operand(access.operand, masked);
        }
    }

    /// Transient strength (T1): masks are shared only between accesses with no call and no block
    /// boundary between them.
    fn each_region(&mut self) {
        let layout = self.module.layout();
        let mut region = (usize::MAX, u32::MAX);
        let mut masks: HashMap<Value, Value> = HashMap::new();
        for access in std::mem::take(&mut self.accesses) {
            let Some(pointer) = access.pointer() else {
                continue;
            };
            let mut address = Address::of(layout, pointer, false);
            match self.place(&address, access.size) {
                Place::Slot | Place::Known => continue,
                Place::BadSlot => address = Address::whole(pointer),
                Place::Anywhere => {}
            }
            // A call since the last access?
            if region.0 != access.node || self.call_between(region.1, &access) {
                masks.clear();
            }
            region = (access.node, access.position);
            self.masker.builder.before(access.instruction);
            let masked = match masks.get(&address.base) {
                Some(m) => *m,
                None => {
                    let m = self.mask(address.base);
                    masks.insert(address.base, m);
                    m
                }
            };
            let moved = self.masker.offset(masked, address.offset);
            access.instruction.set_operand(access.operand, moved);
        }
    }
    fn call_between(&self, from: u32, access: &Access) -> bool {
        // Masks inserted on the way are calls to inline assembly and intrinsics, and do not count.
        let mut at = access.instruction.previous();
        while let Some(i) = at {
            if let Some((_, position)) = self.positions.get(&i) {
                if *position < from {
                    return false;
                }
                if is_real_call(i) {
                    return true;
                }
            }
            at = i.previous();
        }
        false
    }
}

/// A call that reaches other code (or may, once code generation has had its way).
fn is_real_call(i: Value) -> bool {
    i.is_call()
        && match i.intrinsic() {
            Some(name) => {
                !(name.starts_with("llvm.dbg")
                    || name.starts_with("llvm.lifetime")
                    || name.starts_with("llvm.ptrmask"))
            }
            None => !i.callee().is_some_and(Value::is_inline_asm),
        }
}
