//! Which loops are unrolled, and that they do what they did.

use wasmparser::{Operator, Parser, Payload};

use super::nan::{engine, left};
use crate::rewrite::rewritten;

/// The module of a body, which may use locals of all kinds and a function.
fn module(body: &str) -> Vec<u8> {
    let text = format!(
        "(module (memory (export \"memory\") 1) (func $f)
           (global $g (export \"g\") (mut i32) (i32.const 0))
           (type $pair (func (param f64 f32) (result f64 f32)))
           (func (export \"main\") (type $pair)
             (local $n i32) (local $x f64) (local $y f32) (local $v v128)
             {body} (local.get $x) (local.get $y)))"
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// How often a product of floats stands in a module.
fn products(binary: &[u8]) -> usize {
    let bodies = Parser::new(0).parse_all(binary).filter_map(|payload| {
        let Payload::CodeSectionEntry(body) = payload.unwrap() else { return None };
        Some(body)
    });
    let operators = bodies.flat_map(|body| body.get_operators_reader().unwrap());
    operators.filter(|operator| matches!(operator, Ok(Operator::F64Mul))).count()
}

fn times(body: &str) -> usize {
    let made = rewritten(&module(body)).unwrap().into_owned();
    wasmparser::Validator::new().validate_all(&made).unwrap();
    products(&made)
}

const PRODUCT: &str = "(local.set $x (f64.mul (local.get $x) (local.get 0)))";
/// Goes on until there were fourteen turns, which no number of copies divides.
const NEXT: &str = "(local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $l (i32.lt_u (local.get $n) (i32.const 14)))";

#[test]
fn small_loops_over_floats_are_repeated() {
    assert_eq!(times(&format!("(loop $l {PRODUCT} {NEXT})")), 4);
    assert_eq!(times(&format!("(loop $l (block {PRODUCT}) (if (local.get $n) (then {NEXT})))")), 4);
    assert_eq!(times(&format!("(loop $o (loop $l {PRODUCT} {NEXT}))")), 4, "the inner one alone");
    let two = format!(
        "(loop $l {PRODUCT} {NEXT}) (local.set $n (i32.const 0)) (loop $l {PRODUCT} {NEXT})"
    );
    assert_eq!(times(&two), 8);
}

#[test]
fn other_loops_stay_as_they_are() {
    let nops = "nop ".repeat(256);
    for body in [
        format!("(loop $l {PRODUCT})"),
        format!("(loop $l {PRODUCT} (call $f) {NEXT})"),
        format!("(loop $l {PRODUCT} {nops} {NEXT})"),
        format!("(loop $l (drop (f64.mul (local.get $x) (local.get 0))) {NEXT})"),
        format!("(loop $l {PRODUCT} (loop $m (br_if $m (i32.const 0))) {NEXT})"),
        format!(
            "(i32.const 1) (loop $l (param i32) {PRODUCT} (drop) (i32.const 2)
               (br_if $l (i32.const 0)) (drop))"
        ),
    ] {
        assert_eq!(times(&body), 1, "{body}");
    }
    assert_eq!(times(&format!("(loop $l (local.set $n (i32.const 1)) {NEXT}) {PRODUCT}")), 1);
}

/// Many thousand loops, each with many locals: not all are repeated.
#[test]
fn there_is_an_end_to_it() {
    let locals = "(local f64 f64 f64 f64 f64 f64 f64 f64)".repeat(100);
    let loops = format!("(loop $l {PRODUCT} {NEXT})").repeat(400);
    let text =
        format!("(module (func (param f64) (local $n i32) (local $x f64) {locals} {loops}))");
    let made = rewritten(&wat::parse_str(text).unwrap()).unwrap().into_owned();
    let products = products(&made);
    assert!((401..1600).contains(&products), "{products}");
    let few = format!("(loop $l {PRODUCT} {NEXT})").repeat(3000);
    let body = format!("(func (param f64) (local $n i32) (local $x f64) {few})");
    let many = format!("(module {})", body.repeat(20));
    let binary = wat::parse_str(many).unwrap();
    let made = rewritten(&binary).unwrap();
    assert!(made.len() < binary.len() + (20 << 16) + 10_000, "{} {}", made.len(), binary.len());
}

/// Ways in and out of all kinds, and how many turns were gone through.
#[test]
fn they_do_what_they_did() {
    let count = "(global.set $g (i32.add (global.get $g) (i32.const 1)))";
    let n = "(local.get $n)";
    let at = |turn: u32| format!("(i32.eq {n} (i32.const {turn}))");
    let mut bodies = Vec::new();
    for turn in 0..16 {
        bodies.extend([
            format!("(block $o (loop $l {count} {PRODUCT} (br_if $o {}) {NEXT}))", at(turn)),
            // Another way back, from inside of a structure.
            format!(
                "(loop $l {count} {PRODUCT} (local.set $n (i32.add {n} (i32.const 1)))
                   (if {} (then (br_if $l (i32.lt_u {n} (i32.const 13))))) {NEXT})",
                at(turn)
            ),
            // A table of ways: back, out, and out of all.
            format!(
                "(block $o (block $p (loop $l {count} {PRODUCT} (block $q
                   (local.set $n (i32.add {n} (i32.const 1)))
                   (br_table $l $q $p $o (i32.sub (i32.const {turn}) {n}))) {NEXT})
                   {count}) {count}) {count}"
            ),
            // What the loop gives goes along.
            format!(
                "(local.set $x (f64.add (f64.const 0.1) (loop $l (result f64) {count} {PRODUCT}
                   {NEXT} (if (result f64) {} (then (local.get $x)) (else (f64.const 3))))))",
                at(turn)
            ),
            format!(
                "(loop $l {count} {PRODUCT} (if {} (then (return (local.get $x) (f32.const 2))))
                   {NEXT})",
                at(turn)
            ),
            format!(
                "(loop $l {count} (local.set $v (f64x2.mul (f64x2.splat (local.get 0))
                     (f64x2.replace_lane 0 (local.get $v) (f64.const {turn}))))
                   (local.set $x (f64.div (local.get $x) (f64x2.extract_lane 1 (local.get $v))))
                   {NEXT}) (v128.store (i32.const 8) (local.get $v))"
            ),
        ]);
    }
    let at_once = engine(|config| {
        config.cranelift_nan_canonicalization(true);
    });
    let plain = engine(|_| {});
    for body in bodies {
        let body = format!("(local.set $x (f64.const 1.5)) {body}");
        let binary = module(&body);
        let made = rewritten(&binary).unwrap();
        assert!(made.len() > binary.len() + 60, "it is unrolled: {body}");
        assert_eq!(left(&plain, &made), left(&at_once, &binary), "{body}");
    }
}
