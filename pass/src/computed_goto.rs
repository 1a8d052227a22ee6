//! Computed gotos: the labels whose addresses the normal code took, as a switch of the clone's.
//!
//! A label's address is one of the normal code, also in the box, because tables of labels are data
//! that both share. The clone therefore turns an address back into the label's number: where the
//! address comes out of a constant table of labels, out of a *twin* table that holds the numbers,
//! and otherwise by comparing it with every label. A number is a switch away from its block.

use crate::llvm::{Block, Builder, Function, IntPredicate, Module, Opcode, Value, Visibility};
use crate::split::Names;
use std::collections::HashMap;

/// Can the computed gotos of this function, if any, be made switches?
pub fn check(function: Function) -> Result<(), String> {
    let jumps: Vec<Value> = jumps(function);
    if labels(function).is_empty() {
        return if jumps.is_empty() {
            Ok(())
        } else {
            Err("a computed goto without labels".into())
        };
    }
    for jump in jumps {
        let targets = jump.successors();
        // A switch has one edge to each label, and the C API cannot take an edge out of a phi.
        let twice = |t: &Block| targets.iter().filter(|o| *o == t).count() > 1;
        if targets.iter().any(|t| twice(t) && !t.phis().is_empty()) {
            return Err("a computed goto that names a label twice".into());
        }
    }
    for label in addresses(function) {
        let computed = |user: &Value| !user.is_instruction() && reaches_code(*user, 8);
        if label.users().iter().any(computed) {
            return Err("arithmetic on the addresses of labels".into());
        }
    }
    Ok(())
}

/// Is a constant used by an instruction, directly or through other constants?
fn reaches_code(constant: Value, depth: u32) -> bool {
    if constant.is_global_value() {
        return false; // An initialiser: data of the normal module.
    }
    depth == 0
        || constant
            .users()
            .iter()
            .any(|u| u.is_instruction() || reaches_code(*u, depth - 1))
}

fn jumps(function: Function) -> Vec<Value> {
    function
        .instructions()
        .into_iter()
        .filter(|i| i.opcode() == Some(Opcode::LLVMIndirectBr))
        .collect()
}

/// Blocks whose address is taken, in block order, by index.
fn labels(function: Function) -> Vec<usize> {
    let taken = |b: &Block| {
        b.value()
            .users()
            .iter()
            .any(|u| u.block_address().is_some())
    };
    function
        .blocks()
        .into_iter()
        .enumerate()
        .filter(|(_, b)| taken(b))
        .map(|(i, _)| i)
        .collect()
}

/// The label constants of a function (their only operand is the block).
fn addresses(function: Function) -> Vec<Value> {
    let users = function
        .blocks()
        .into_iter()
        .flat_map(|b| b.value().users());
    users.filter(|u| u.block_address().is_some()).collect()
}

/// Lowers the computed gotos of a function of the box module; its tables go to the normal module.
/// Both functions have the same blocks.
pub fn lower(normal: &Module<'_>, boxed: &Module<'_>, name: &str, names: &Names) {
    let (Some(function), Some(original)) = (boxed.function(name), normal.function(name)) else {
        return;
    };
    let labels = labels(function);
    if labels.is_empty() {
        return;
    }
    let blocks = function.blocks();
    let numbers = labels
        .iter()
        .enumerate()
        .map(|(number, index)| (blocks[*index], number as u64))
        .collect();
    let ptr = boxed.context().ptr();
    let originals = original.blocks();
    let addresses: Vec<Value> = labels
        .iter()
        .map(|i| Value::new_block_address(original, originals[*i]))
        .collect();
    let symbol = names.shared(&format!("{name}.labels"));
    let table = shared_table(normal, boxed, &symbol, ptr.const_array(&addresses));
    let mut lowering = Lowering {
        normal,
        boxed,
        names,
        function,
        numbers,
        table,
        twins: HashMap::new(),
        known: HashMap::new(),
    };
    for jump in jumps(function) {
        lowering.jump(jump);
    }
    lowering.replace_addresses();
}

/// A hidden constant of the normal module, declared in the box module.
fn shared_table(normal: &Module<'_>, boxed: &Module<'_>, symbol: &str, value: Value) -> Value {
    let defined = normal.add_variable(symbol, value.ty());
    defined.set_initializer(Some(value));
    let declared = boxed.add_variable(symbol, value.ty());
    for variable in [defined, declared] {
        variable.set_global_constant(true);
        variable.set_visibility(Visibility::LLVMHiddenVisibility);
    }
    declared
}

struct Lowering<'a, 'c> {
    normal: &'a Module<'c>,
    boxed: &'a Module<'c>,
    names: &'a Names,
    function: Function,
    numbers: HashMap<Block, u64>,
    table: Value,
    twins: HashMap<Value, Option<Value>>,
    known: HashMap<Value, Value>,
}

impl Lowering<'_, '_> {
    fn jump(&mut self, jump: Value) {
        let context = self.boxed.context();
        let Some(address) = jump.operand(0) else {
            return;
        };
        let mut targets = jump.successors();
        targets.sort();
        targets.dedup();
        let number = if self.traceable(address, 64) {
            self.number(address)
        } else {
            self.search(jump, address)
        };
        let builder = Builder::new(context);
        let wrong = self.function.append_block(context, "no.label");
        // Undefined in C, and anything the mask lets through leads to some label: no comparison is needed.
        builder.at_end(wrong);
        builder.unreachable();
        builder.before(jump);
        let switch = builder.switch(number, wrong, targets.len() as u32);
        for target in targets {
            if let Some(number) = self.numbers.get(&target) {
                switch.add_case(context.i64().constant(*number), target);
            }
        }
        jump.erase();
    }

    /// Does the address come from labels and constant tables of labels only?
    fn traceable(&mut self, address: Value, depth: u32) -> bool {
        if self.known.contains_key(&address) {
            return true;
        }
        if depth == 0 {
            return false;
        }
        if address
            .block_address()
            .is_some_and(|(f, _)| f == self.function)
        {
            return true;
        }
        match address.opcode() {
            // One level of phis: the usual shape of an interpreter's loop.
            Some(Opcode::LLVMPHI) if depth > 60 => address
                .incoming()
                .iter()
                .all(|(v, _)| *v != address && !v.is_phi() && self.traceable(*v, depth - 1)),
            Some(Opcode::LLVMLoad) => address
                .operand(0)
                .and_then(|p| self.twin_address(p))
                .is_some(),
            _ => false,
        }
    }

    /// The table of labels and the `getelementptr` that an address is made of.
    fn twin_address(&mut self, pointer: Value) -> Option<(Value, Option<Value>)> {
        if pointer.is_gep() {
            let table = pointer.operand(0)?;
            return Some((self.twin(table)?, Some(pointer)));
        }
        Some((self.twin(pointer)?, None))
    }

    /// The twin of a constant table that holds nothing but labels of this function.
    fn twin(&mut self, table: Value) -> Option<Value> {
        if let Some(known) = self.twins.get(&table) {
            return *known;
        }
        let twin = self.make_twin(table);
        self.twins.insert(table, twin);
        twin
    }

    fn make_twin(&self, table: Value) -> Option<Value> {
        if !table.is_global_variable() || !table.is_global_constant() || !table.is_local_linkage() {
            return None;
        }
        let initializer = table.initializer()?;
        let word = self.boxed.context().i64();
        let mut numbers = Vec::new();
        for index in 0..initializer.ty().len() {
            let (function, block) = initializer
                .aggregate_element(index as u32)?
                .block_address()?;
            if function != self.function {
                return None;
            }
            numbers.push(word.constant(*self.numbers.get(&block)?));
        }
        let symbol = self.names.shared(&format!("{}.twin", table.name()));
        Some(shared_table(
            self.normal,
            self.boxed,
            &symbol,
            word.const_array(&numbers),
        ))
    }

    /// The number of the label at a traceable address.
    fn number(&mut self, address: Value) -> Value {
        let context = self.boxed.context();
        let word = context.i64();
        if let Some(known) = self.known.get(&address) {
            return *known;
        }
        if let Some((_, block)) = address.block_address() {
            return word.constant(self.numbers.get(&block).copied().unwrap_or(u64::MAX));
        }
        let builder = Builder::new(context);
        builder.before(address);
        let number = if address.is_phi() {
            let phi = builder.phi(word);
            for (value, block) in address.incoming() {
                let number = self.number(value);
                phi.add_incoming(number, block);
            }
            phi
        } else {
            match address.operand(0).and_then(|p| self.twin_address(p)) {
                Some((twin, Some(gep))) => {
                    let indices: Vec<Value> = gep.operands().into_iter().skip(1).collect();
                    let source = gep.gep_source_type().unwrap_or(word);
                    builder.load(word, builder.gep(source, twin, &indices))
                }
                Some((twin, None)) => builder.load(word, twin),
                None => word.constant(u64::MAX),
            }
        };
        self.known.insert(address, number);
        number
    }

    /// The number of the label at any address, by comparing.
    fn search(&self, jump: Value, address: Value) -> Value {
        let context = self.boxed.context();
        let word = context.i64();
        let builder = Builder::new(context);
        builder.before(jump);
        let mut number = word.constant(u64::MAX);
        for index in 0..self.numbers.len() as u64 {
            let place = builder.gep(context.ptr(), self.table, &[word.constant(index)]);
            let label = builder.load(context.ptr(), place);
            let equal = builder.icmp(IntPredicate::LLVMIntEQ, address, label);
            number = builder.select(equal, word.constant(index), number);
        }
        number
    }

    /// What else the code does with label addresses, it does with those of the normal code.
    fn replace_addresses(&self) {
        let context = self.boxed.context();
        let builder = Builder::new(context);
        for label in addresses(self.function) {
            let Some((_, block)) = label.block_address() else {
                continue;
            };
            let Some(number) = self.numbers.get(&block) else {
                continue;
            };
            for user in label.users().into_iter().filter(|u| u.is_instruction()) {
                let incoming = user.incoming();
                for index in 0..user.operand_count() {
                    if user.operand(index) != Some(label) {
                        continue;
                    }
                    let at = if user.is_phi() {
                        incoming
                            .get(index as usize)
                            .and_then(|(_, b)| b.terminator())
                            .unwrap_or(user)
                    } else {
                        user
                    };
                    builder.before(at);
                    let place = builder.gep(
                        context.ptr(),
                        self.table,
                        &[context.i64().constant(*number)],
                    );
                    user.set_operand(index, builder.load(context.ptr(), place));
                }
            }
        }
    }
}
