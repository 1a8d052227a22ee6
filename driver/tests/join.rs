//! Joining: the second compilation of a function replaces the first.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{Folder, stdout, succeeds};
use object::{Object, ObjectSection, ObjectSymbol};
use privbox_driver::object::join;
use privbox_driver::object::retain;

/// A box object as the pass writes it, with these functions; `g` has a jump table.
fn assembly(functions: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, body) in functions {
        text.push_str(&format!(
            ".section .privbox.text.{name},\"ax\",@progbits\n.p2align 4\n\
             .globl {name}.privbox\n.hidden {name}.privbox\n.type {name}.privbox,@function\n\
             {name}.privbox:\n.cfi_startproc\n{body}\nret\nint3\n.cfi_endproc\n.L{name}_end:\n\
             .section .privbox.funcs.{name},\"ao\",@progbits,.privbox.text.{name}\n\
             .long {name}.privbox-.\n.long .L{name}_end-{name}.privbox\n"
        ));
        if body.contains("table") {
            text.push_str(&format!(
                ".section .privbox.tables.{name},\"ax\",@progbits\n.L{name}_table:\n\
                 .long {name}.privbox-.L{name}_table\n"
            ));
        }
    }
    text + ".section .privbox.unit,\"\",@progbits\n.ascii \"{}\\n\"\n"
}

fn assemble(folder: &Folder, name: &str, text: &str) {
    folder.write(&format!("{name}.s"), text);
    let source = format!("{name}.s");
    let object = format!("{name}.o");
    succeeds(
        &folder
            .command("clang-22")
            .args(["-c", &source, "-o", &object])
            .output()
            .unwrap(),
    );
}

#[test]
fn dropped_functions_are_taken_from_the_other_object() {
    let folder = Folder::new();
    let first = [
        ("f", "call g.privbox"),
        ("g", "lea .Lg_table(%rip), %rax\ncall f.privbox"),
    ];
    assemble(&folder, "box", &assembly(&first));
    assemble(
        &folder,
        "box-again",
        &assembly(&[("g", "nop\nlea .Lg_table(%rip), %rax\ncall f.privbox")]),
    );
    let mut bytes = fs::read(folder.join("box.o")).unwrap();
    join::drop_functions(&mut bytes, &BTreeSet::from(["g.privbox".to_owned()])).unwrap();
    fs::write(folder.join("box.o"), bytes).unwrap();
    folder.write(
        "join.ld",
        "SECTIONS { /DISCARD/ : { *box.o(.privbox.unit) } }\n",
    );
    let link = folder
        .command("ld.lld-22")
        .args(["-r", "-T", "join.ld", "box-again.o", "box.o", "-o", "out.o"])
        .output()
        .unwrap();
    succeeds(&link);

    // Unwinding: one record for each of `f` and the new `g`, which GNU ld accepts.
    let frames = folder
        .command("llvm-dwarfdump-22")
        .args(["--eh-frame", "out.o"])
        .output()
        .unwrap();
    assert_eq!(stdout(&frames).matches(" FDE ").count(), 2);
    let link = folder
        .command("ld.bfd")
        .args(["--eh-frame-hdr", "--unresolved-symbols=ignore-all"])
        .args(["-e", "f.privbox", "out.o", "-o", "out"])
        .output()
        .unwrap();
    succeeds(&link);
    assert!(!String::from_utf8_lossy(&link.stderr).contains(".eh_frame"));

    let bytes = fs::read(folder.join("out.o")).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let count = |name: &str| file.sections().filter(|s| s.name() == Ok(name)).count();
    for section in [
        ".privbox.text.g",
        ".privbox.funcs.g",
        ".privbox.tables.g",
        ".privbox.text.f",
    ] {
        assert_eq!(count(section), 1, "{section}");
    }
    let g = file.symbol_by_name("g.privbox").unwrap();
    let section = file.section_by_index(g.section_index().unwrap()).unwrap();
    assert_eq!(
        section.data().unwrap()[0],
        0x90,
        "the second copy begins with a nop"
    );
    let disassembly = folder
        .command("llvm-objdump-22")
        .args(["-dr", "out.o"])
        .output()
        .unwrap();
    assert!(stdout(&disassembly).contains("R_X86_64_PLT32\tg.privbox-0x4"));
}

#[test]
fn an_object_without_a_record_is_an_error() {
    let folder = Folder::new();
    assemble(&folder, "plain", ".globl x\nx: ret\n");
    let mut bytes = fs::read(folder.join("plain.o")).unwrap();
    assert!(join::drop_functions(&mut bytes, &BTreeSet::from(["x".to_owned()])).is_err());
    assert!(join::drop_functions(&mut [], &BTreeSet::new()).is_err());
}

#[test]
fn normal_sections_are_retained_and_box_sections_are_not() {
    let folder = Folder::new();
    assemble(
        &folder,
        "both",
        &(assembly(&[("f", "nop")]) + ".text\n.globl f\nf: ret\n.data\n.long 1\n"),
    );
    let mut bytes = fs::read(folder.join("both.o")).unwrap();
    retain::retain_normal_sections(&mut bytes).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    for section in file.sections() {
        let object::SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            panic!()
        };
        let retained = sh_flags.0 & 0x20_0000 != 0;
        let name = section.name().unwrap();
        assert_eq!(
            retained,
            [".text", ".data", ".bss"].contains(&name),
            "{name}"
        );
    }
    // Every prefix of the file is read without a panic.
    for end in 0..bytes.len() {
        let _ = retain::retain_normal_sections(&mut bytes[..end].to_vec());
        let _ = join::drop_functions(
            &mut bytes[..end].to_vec(),
            &BTreeSet::from(["f.privbox".to_owned()]),
        );
    }
}
