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
           (type $two (func (result f64 f32)))
           (func $pair (type $pair) (local.get 0) (local.get 1))
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

#[test]
fn there_is_an_end_to_it() {
    // Locals times structures, of one function.
    let loops = format!("(loop $l {PRODUCT} {NEXT})").repeat(400);
    let function = |locals: usize| {
        let locals = "(local f64 f64 f64 f64 f64 f64 f64 f64)".repeat(locals);
        format!("(func (param f64) (local $n i32) (local $x f64) {locals} {loops})")
    };
    let of = |text: &str| {
        let binary = wat::parse_str(format!("(module {text})")).unwrap();
        let made = rewritten(&binary).unwrap();
        (products(&made), made.len() - binary.len())
    };
    assert_eq!(of(&function(1)).0, 1600);
    assert_eq!(of(&function(100)).0, 400);
    // Bytes, of one function and of all.
    let many = format!("(func (param f64) (local $n i32) (local $x f64) {})", loops.repeat(5));
    let (products, added) = of(&many);
    assert!((2001..8000).contains(&products) && added < 120 << 10, "{products} {added}");
    let (products, added) = of(&many.repeat(400));
    assert!((800_001..1_500_000).contains(&products) && added < 30 << 20, "{products} {added}");
}

/// Without what is repeated it is not too large.
#[test]
fn nothing_is_refused_for_being_unrolled() {
    let lanes = |times: usize| {
        let roots = "(f32x4.sqrt ".repeat(times);
        format!("(local.set $v {roots} (local.get $v) {})", ")".repeat(times))
    };
    let loops = format!("(loop $l {} {NEXT})", lanes(60)).repeat(40);
    let of = |straight: usize| {
        let body = format!("{} {loops}", lanes(1_000).repeat(straight));
        let made = rewritten(&module(&body)).map(|made| made.len());
        made.map_err(|refused| refused.to_string())
    };
    let (small, large) = (of(100).unwrap(), of(130).unwrap());
    assert!(large < small + 30 * 31_000, "{small} {large}: the loops are as given");
    assert!(of(140).is_err());
}

/// Branches whose depth takes another byte afterwards.
#[test]
fn ways_far_out_are_found() {
    let blocks = "(block ".repeat(140);
    for far in 120..139 {
        let out = format!("(br_if {far} (i32.eq (local.get $n) (i32.const 5)))");
        let after = ") (global.set $g (i32.add (global.get $g) (i32.const 1)))".repeat(140);
        let body = format!("{blocks} (loop $l {PRODUCT} {out} {NEXT}) {after}");
        agree(&body);
    }
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
    bodies.extend([
        // Several results, the function as the target, and what is never reached.
        format!("(loop $l (type $two) {count} {PRODUCT} {NEXT} (local.get $x) (f32.const 1)) (drop) (drop)"),
        format!(
            "(loop $l {count} {PRODUCT} (local.get $x) (f32.const 3)
               (br_if 1 {}) (drop) (drop) {NEXT})",
            at(7)
        ),
        format!("(loop $l {count} {PRODUCT} (if {} (then (br $l) (drop (f64.sqrt)))) {NEXT})", at(99)),
        format!("(block $o (loop $l (result f64) {count} {PRODUCT} {NEXT} (br $o)) (local.set $x))"),
        format!(
            "(loop $l {count} {PRODUCT} (if {} (then (local.get $x) (f32.const 1)
               (return_call $pair))) {NEXT})",
            at(9)
        ),
    ]);
    for body in bodies {
        agree(&body);
    }
}

/// It is unrolled, and comes to what it came to.
fn agree(body: &str) {
    let at_once = engine(|config| {
        config.cranelift_nan_canonicalization(true);
    });
    let binary = module(&format!("(local.set $x (f64.const 1.5)) {body}"));
    let made = rewritten(&binary).unwrap();
    assert!(made.len() > binary.len() + 60, "it is unrolled: {body}");
    assert_eq!(left(&engine(|_| {}), &made), left(&at_once, &binary), "{body}");
}
