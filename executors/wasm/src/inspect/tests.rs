use super::*;

fn message(module: &[u8], limits: &ModuleLimits) -> String {
    let failure = checked_binary(module, limits).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    failure.message
}

#[test]
fn text_and_binary_give_the_same() {
    let text = b"(module (func (export \"_start\")))";
    let limits = ModuleLimits::default();
    let binary = checked_binary(text, &limits).unwrap().into_owned();
    assert_eq!(checked_binary(&binary, &limits).unwrap(), Cow::Borrowed(&binary[..]));
}

#[test]
fn every_limit_is_named_when_it_is_met() {
    let limits = ModuleLimits {
        binary_max_bytes: 200,
        text_max_bytes: 400,
        code_max_bytes: 1 << 20,
        functions_max: 2,
        body_max_bytes: 20,
        nesting_max: 2,
        flow_max: 100,
        flow_total_max: 150,
        carried_max: 10,
        carried_total_max: 15,
        locals_total_max: 12,
        items_max: 3,
        tables_max: 1,
    };
    let nops = "nop ".repeat(30);
    for (module, named) in [
        (format!("(module (data \"{}\") (memory 1))", "x".repeat(210)), "bytes, and 200"),
        (format!("(module) ;; {}", "x".repeat(400)), "bytes of text"),
        ("(module (func) (func) (func))".into(), "3 functions, and 2"),
        ("(module (import \"a\" \"b\" (func)) (func) (func))".into(), "3 functions, and 2"),
        (format!("(module (func {nops}))"), "bytes in one function"),
        ("(module (func (block (block (block)))))".into(), "3 structures inside each other"),
        (
            "(module (func (param i32) (local i32 i32) (loop) (loop) (block)))".into(),
            "131 locals times structures in one function",
        ),
        (
            "(module (func (local i32 i32 i32) (loop)) (func (local i32 i32 i32 i32 i32) (loop)))"
                .into(),
            "160 locals times structures in all",
        ),
        (
            "(module (func (param i32 i32) (result i32) (br_if 0 (br_table 0 0 0 (i32.const 1)))))"
                .into(),
            "12 values carried over branches and calls in one function",
        ),
        (
            "(module (func (local i32 i32 i32 i32) (br_table 0 0 (i32.const 1)))
                     (func (local i32 i32 i32 i32) (br_table 0 0 (i32.const 1))))"
                .into(),
            "16 values carried over branches and calls in all",
        ),
        (
            format!("(module {})", "(func (param i32) (local i32 i64 f32 f64 f64 f64))".repeat(2)),
            "14 locals in all functions",
        ),
        ("(module (table 1 funcref) (table 1 funcref))".into(), "2 tables, and 1"),
        (format!("(module {})", "(global i32 (i32.const 0))".repeat(4)), "4 globals, and 3"),
        (format!("(module (memory 1) {})", "(data \"\")".repeat(4)), "4 data segments, and 3"),
    ] {
        let message = message(module.as_bytes(), &limits);
        assert!(message.contains(named), "{named:?} is not in {message:?}");
    }
}

#[test]
fn unlisted_proposals_are_refused() {
    let limits = ModuleLimits::default();
    for (proposal, module) in [
        ("threads", "(module (memory 1 1 shared))"),
        ("atomics", "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))"),
        (
            "relaxed SIMD",
            "(module (func (param v128 v128) (result v128)
               (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
        ),
        ("memory64", "(module (memory i64 1))"),
        ("multi-memory", "(module (memory 1) (memory 1))"),
        ("exceptions", "(module (tag))"),
        ("gc", "(module (type (struct)))"),
        ("externref", "(module (func (param externref)))"),
        (
            "wide arithmetic",
            "(module (func (param i64 i64 i64 i64) (result i64 i64)
           (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3))))",
        ),
        ("custom page sizes", "(module (memory 1 (pagesize 1)))"),
    ] {
        assert!(checked_binary(module.as_bytes(), &limits).is_err(), "{proposal} was let through");
    }
}

#[test]
fn listed_proposals_pass() {
    let module = b"(module
        (memory 1)
        (table 2 funcref)
        (func $f (result i32 i64) (i32.const 1) (i64.const 2))
        (func (param f64) (result i32) (i32.trunc_sat_f64_s (local.get 0)))
        (func (param i32) (result i32) (i32.extend8_s (local.get 0)))
        (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))
        (func (param v128) (result v128) (f32x4.sqrt (local.get 0)))
        (func $t (return_call $t))
        (global (mut i32) (i32.add (i32.const 1) (i32.const 2))))";
    checked_binary(module, &ModuleLimits::default()).unwrap();
}

#[test]
fn garbage_says_what_it_is() {
    let limits = ModuleLimits::default();
    for (module, named) in [
        (&b""[..], "it is empty"),
        (b"  \n", "it is empty"),
        (b"\xff\xfe\x00", "neither a Wasm binary nor text"),
        (b"hello", "as text: "),
        (b"(module (func $)", "as text: "),
        (b"\0asm\x01\0\0\0\xff\xff", "(at byte "),
        (b"\0asm\x01\0\0\0\x01\x05\x01\x60", "(at byte "),
        (b"(module (func (result i32)))", "type mismatch"),
        (b"(component)", "it is a component"),
    ] {
        let message = message(module, &limits);
        assert!(message.contains(named), "{named:?} is not in {message:?}");
    }
    let hint = checked_binary(b"(component)", &limits).unwrap_err().hint;
    assert!(hint.unwrap().contains("preview 1"));
}

/// Far more than reading one takes, and far less than compiling it.
const SOON: std::time::Duration = std::time::Duration::from_secs(10);

fn is_refused_soon(bomb: &str) {
    let binary = wat::parse_str(bomb).unwrap();
    let began = std::time::Instant::now();
    let message = message(&binary, &ModuleLimits::default());
    assert!(
        message.contains("values carried over branches and calls in one function"),
        "{message}"
    );
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

/// Targets that all lead to one block, each with all the locals.
#[test]
fn a_table_of_branches_over_many_locals_is_refused_soon() {
    let (locals, targets) = ("i32 ".repeat(44_000), "0 ".repeat(65_520));
    is_refused_soon(&format!(
        "(module (func (param i32) (local {locals}) (block (br_table {targets} (local.get 0)))))"
    ));
}

#[test]
fn many_branches_over_many_locals_are_refused_soon() {
    let (locals, branches) = ("i32 ".repeat(10_000), "local.get 0 br_if 0 ".repeat(200_000));
    is_refused_soon(&format!("(module (func (param i32) (local {locals}) (block {branches})))"));
}

#[test]
fn many_calls_and_structures_of_many_values_are_refused_soon() {
    let thousand = "i32 ".repeat(1000);
    let ty = format!("(type $t (func (param {thousand}) (result {thousand})))");
    let values = "i32.const 0 ".repeat(1000);
    for again in ["call $f ", "(block (type $t)) "] {
        // What each gives, the next takes.
        let many = again.repeat(200_000);
        is_refused_soon(&format!(
            "(module {ty} (import \"\" \"\" (func $f (type $t)))
               (func (result {thousand}) {values} {many}))"
        ));
    }
    let indirect = "i32.const 0 call_indirect (type $t) ".repeat(100_000);
    is_refused_soon(&format!(
        "(module {ty} (table 1 funcref) (func (result {thousand}) {values} {indirect}))"
    ));
}
