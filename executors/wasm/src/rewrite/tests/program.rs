//! Programs full of NaN, of all kinds of control flow, which end and do not trap.

use std::fmt::Write as _;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Floats that lie in memory, 64 bits each; their halves are floats of 32 bits as well.
const NUMBERS: [u64; 16] = [
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0xfff4_dead_7fc0_beef,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_ff80_0000,
    0x0000_0000_0000_0000,
    0x8000_0000_8000_0000,
    0x3ff8_0000_3f80_0000,
    0xbff0_0000_bf80_0000,
    0x0000_0000_0000_0001,
    0x7fef_ffff_7f7f_ffff,
    0x7fa0_0001_ffa0_0002,
    0x4009_21fb_5444_2d18,
    0xc059_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
];

/// Where what is stored may lie.
const STORES_AT: u32 = 256;
const STORES_END: u32 = 4_000;

/// Locals of each float type.
const LOCALS: u32 = 5;

/// How deep statements lie inside each other, and expressions.
const NESTING_MAX: u32 = 4;
const DEPTH_MAX: u32 = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ty {
    F32,
    F64,
}

impl Ty {
    fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    fn lanes(self) -> &'static str {
        match self {
            Self::F32 => "f32x4",
            Self::F64 => "f64x2",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::F32 => Self::F64,
            Self::F64 => Self::F32,
        }
    }
}

struct Source {
    random: ChaCha8Rng,
    /// Loops so far, each with a counter of its own.
    loops: u32,
    /// Labels of blocks around that may be left.
    labels: Vec<u32>,
    next_label: u32,
}

/// The program of a seed.
pub(super) fn of(seed: u64) -> String {
    let mut source = Source {
        random: ChaCha8Rng::seed_from_u64(seed),
        loops: 0,
        labels: Vec::new(),
        next_label: 0,
    };
    let body: String = (0..8).map(|_| source.statement(0)).collect();
    let results = [source.float(Ty::F64, 0), source.float(Ty::F32, 0)].concat();
    let helper = source.float(Ty::F64, 2);
    let data: String = NUMBERS.iter().flat_map(|number| number.to_le_bytes()).fold(
        String::new(),
        |mut all, byte| {
            write!(all, "\\{byte:02x}").unwrap();
            all
        },
    );
    let locals: String =
        (0..LOCALS).map(|n| format!("(local $f64_{n} f64) (local $f32_{n} f32)")).collect();
    let counters: String = (0..source.loops).map(|n| format!("(local $i{n} i32)")).collect();
    let state = "(local $v v128) (local $n i32)";
    format!(
        "(module (memory (export \"memory\") 1) (data (i32.const 0) \"{data}\")
           (global $g64 (export \"g64\") (mut f64) (f64.const 0))
           (global $g32 (export \"g32\") (mut f32) (f32.const 0))
           (func $f64 (param $f64_0 f64) (result f64) (f64.mul (local.get $f64_0) (f64.const 0.5)))
           (func $f32 (param $f32_0 f32) (result f32) (f32.sub (local.get $f32_0) (f32.const inf)))
           (type $both (func (param f64 f32) (result f64 f32)))
           (table funcref (elem $both))
           (func $both (type $both) (f64.neg (f64.mul (local.get 0) (local.get 0)))
             (f32.abs (f32.sub (local.get 1) (local.get 1))))
           (func $h (param $p64 f64) (param $p32 f32) (result f64) {locals} {counters} {state}
             {helper})
           (func (export \"main\") (param $p64 f64) (param $p32 f32) (result f64 f32)
             {locals} {counters} {state} {body} {results}))"
    )
}

impl Source {
    fn below(&mut self, bound: u32) -> u32 {
        self.random.next_u32() % bound
    }

    fn ty(&mut self) -> Ty {
        if self.below(3) == 0 { Ty::F32 } else { Ty::F64 }
    }

    fn local(&mut self, ty: Ty) -> String {
        match self.below(LOCALS + 1) {
            LOCALS => format!("$p{}", &ty.name()[1..]),
            n => format!("${}_{n}", ty.name()),
        }
    }

    fn address(&mut self) -> u32 {
        STORES_AT + self.below(STORES_END - STORES_AT)
    }

    fn statement(&mut self, nesting: u32) -> String {
        let ty = self.ty();
        let name = ty.name();
        let nested = nesting < NESTING_MAX;
        match self.below(20) {
            0..=5 => format!("(local.set {} {})", self.local(ty), self.float(ty, 0)),
            6 | 7 => {
                let address = self.address();
                format!("({name}.store (i32.const {address}) {})", self.float(ty, 0))
            }
            8 => format!("(global.set $g{} {})", &name[1..], self.float(ty, 0)),
            9 => format!("(local.set $v {})", self.lanes(ty, 0)),
            10 => {
                let address = self.address();
                format!("(v128.store (i32.const {address}) {})", self.lanes(ty, 1))
            }
            11 if nested => {
                let (condition, then) = (self.condition(0), self.statements(nesting + 1));
                let or =
                    if self.below(2) == 0 { self.statements(nesting + 1) } else { String::new() };
                format!("(if {condition} (then {then}) (else {or}))")
            }
            12 if nested => {
                let (condition, then) = (self.condition(0), self.statements(nesting + 1));
                format!("(if {condition} (then {then}))")
            }
            13 if nested => self.block(nesting),
            14 if nested && self.loops < 12 => self.turns(nesting),
            15 if nested => self.dead(nesting),
            16 => self.finish(),
            17 if nested && self.loops < 12 => self.carried(nesting),
            _ => self.leave(),
        }
    }

    fn statements(&mut self, nesting: u32) -> String {
        (0..1 + self.below(4)).map(|_| self.statement(nesting)).collect()
    }

    fn block(&mut self, nesting: u32) -> String {
        let label = self.next_label;
        self.next_label += 1;
        self.labels.push(label);
        let body = self.statements(nesting + 1);
        self.labels.pop();
        format!("(block $b{label} {body})")
    }

    /// A loop of a few turns, whose middle may be left for the next one.
    fn turns(&mut self, nesting: u32) -> String {
        let (n, turns) = (self.loops, 2 + self.below(3));
        self.loops += 1;
        let body = self.block(nesting);
        let early = self.condition(1);
        format!(
            "(local.set $i{n} (i32.const 0))
             (loop $l{n} {body} (local.set $i{n} (i32.add (local.get $i{n}) (i32.const 1)))
               (br_if $l{n} (i32.and {early} (i32.lt_u (local.get $i{n}) (i32.const {turns}))))
               {} (br_if $l{n} (i32.lt_u (local.get $i{n}) (i32.const {turns}))))",
            self.statement(NESTING_MAX)
        )
    }

    /// What nothing gets to, with structures of its own.
    fn dead(&mut self, nesting: u32) -> String {
        let label = self.next_label;
        self.next_label += 1;
        self.labels.push(label);
        let body = self.statements(nesting + 1);
        self.labels.pop();
        let kind = ["block", "loop"][self.below(2) as usize];
        let outer = self.next_label;
        self.next_label += 1;
        format!("(block $b{outer} (br $b{outer}) ({kind} $b{label} {body}) {})", self.leave())
    }

    /// The end of the function, under a condition: its results at once, or another function's.
    fn finish(&mut self) -> String {
        let (wide, narrow) = (self.float(Ty::F64, 1), self.float(Ty::F32, 1));
        let end = match self.below(3) {
            0 => format!("(return {wide} {narrow})"),
            1 => format!("{wide} {narrow} (return_call $both)"),
            _ => format!("{wide} {narrow} (i32.const 0) (return_call_indirect (type $both))"),
        };
        // Most programs go on.
        let rarely =
            format!("(i32.and {} (f64.eq (local.get $p64) (local.get $p64)))", self.condition(1));
        format!("(if {rarely} (then {end}))")
    }

    /// A loop that carries a float of each type on the stack, and is gone on with by a table.
    fn carried(&mut self, nesting: u32) -> String {
        let (n, turns) = (self.loops, 2 + self.below(3));
        self.loops += 1;
        let (wide, narrow) = (self.float(Ty::F64, 1), self.float(Ty::F32, 1));
        let (a, b) = (self.local(Ty::F64), self.local(Ty::F32));
        let body = self.statement(nesting + 1);
        let again = format!("(i32.lt_u (local.get $i{n}) (i32.const {turns}))");
        format!(
            "(local.set $i{n} (i32.const 0)) {wide} {narrow}
             (block $o{n} (param f64 f32) (result f64 f32)
               (loop $l{n} (param f64 f32) (result f64 f32)
                 (local.set {b}) (local.set {a}) {body}
                 (local.set $i{n} (i32.add (local.get $i{n}) (i32.const 1)))
                 (f64.add (local.get {a}) (local.get {a})) (f32.sqrt (local.get {b}))
                 (br_table $o{n} $l{n} $o{n} {again})))
             (local.set {b}) (local.set {a})"
        )
    }

    fn leave(&mut self) -> String {
        if self.labels.is_empty() {
            return format!("(drop {})", self.float(Ty::F64, 1));
        }
        let pick = |source: &mut Self| {
            let at = source.below(u32::try_from(source.labels.len()).unwrap());
            source.labels[at as usize]
        };
        let (first, second) = (pick(self), pick(self));
        match self.below(4) {
            0 => format!("(br $b{first})"),
            1 => {
                let index = self.condition(1);
                format!("(br_table $b{first} $b{second} $b{first} {index})")
            }
            _ => format!("(br_if $b{first} {})", self.condition(1)),
        }
    }

    fn condition(&mut self, depth: u32) -> String {
        let ty = self.ty();
        let name = ty.name();
        match self.below(6) {
            0 => format!(
                "(i32.and (i32.const 1) (local.tee $n (i32.reinterpret_f32 {})))",
                self.float(Ty::F32, depth + 1)
            ),
            1 => format!(
                "(i32.and (i32.const 1) (i32.trunc_sat_{name}_s {}))",
                self.float(ty, depth + 1)
            ),
            n => {
                let compare = ["eq", "ne", "lt", "ge"][n as usize - 2];
                let (a, b) = (self.float(ty, depth + 1), self.float(ty, depth + 1));
                format!("({name}.{compare} {a} {b})")
            }
        }
    }

    fn float(&mut self, ty: Ty, depth: u32) -> String {
        let name = ty.name();
        if depth >= DEPTH_MAX {
            return match self.below(3) {
                0 => format!("({name}.load (i32.const {}))", 8 * self.below(16)),
                _ => format!("(local.get {})", self.local(ty)),
            };
        }
        let deeper = depth + 1;
        match self.below(20) {
            0 | 1 => format!("({name}.load (i32.const {}))", self.below(120)),
            2 | 3 => format!("(local.get {})", self.local(ty)),
            4 => format!("(local.tee {} {})", self.local(ty), self.float(ty, deeper)),
            5 => {
                let number = ["nan", "-nan", "nan:0x200001", "inf", "0", "-0", "1.5"];
                format!("({name}.const {})", number[self.below(7) as usize])
            }
            6..=10 => {
                let operator = ["add", "sub", "mul", "div", "min", "max", "copysign"];
                let operator = operator[self.below(7) as usize];
                let (a, b) = (self.float(ty, deeper), self.float(ty, deeper));
                format!("({name}.{operator} {a} {b})")
            }
            11 | 12 => {
                let operator = ["sqrt", "neg", "abs", "ceil", "floor", "trunc", "nearest"];
                let operator = operator[self.below(7) as usize];
                format!("({name}.{operator} {})", self.float(ty, deeper))
            }
            13 => {
                let change = if ty == Ty::F64 { "f64.promote_f32" } else { "f32.demote_f64" };
                format!("({change} {})", self.float(ty.other(), deeper))
            }
            14 => {
                let (a, b) = (self.float(ty, deeper), self.float(ty, deeper));
                let ty =
                    if self.below(2) == 0 { format!("(result {name})") } else { String::new() };
                format!("(select {ty} {a} {b} {})", self.condition(deeper))
            }
            15 => {
                let condition = self.condition(deeper);
                let (then, or) = (self.float(ty, deeper), self.float(ty, deeper));
                format!("(if (result {name}) {condition} (then {then}) (else {or}))")
            }
            16 => {
                let (early, late) = (self.float(ty, deeper), self.float(ty, deeper));
                let condition = self.condition(deeper);
                format!("(block (result {name}) (drop (br_if 0 {early} {condition})) {late})")
            }
            17 => format!("(call ${name} {})", self.float(ty, deeper)),
            18 => format!("({}.extract_lane 1 {})", ty.lanes(), self.lanes(ty, deeper)),
            _ => match ty {
                Ty::F64 => format!("(f64.convert_i32_s {})", self.condition(deeper)),
                Ty::F32 => format!(
                    "(f32.reinterpret_i32 (i32.or (i32.const -4096) {}))",
                    self.condition(deeper)
                ),
            },
        }
    }

    fn lanes(&mut self, ty: Ty, depth: u32) -> String {
        let lanes = ty.lanes();
        if depth >= DEPTH_MAX {
            return "(local.get $v)".to_owned();
        }
        let deeper = depth + 1;
        match self.below(6) {
            0 => format!("(v128.load (i32.const {}))", self.below(110)),
            1 => format!("({lanes}.splat {})", self.float(ty, deeper)),
            2 => format!(
                "({lanes}.replace_lane 1 {} {})",
                self.lanes(ty, deeper),
                self.float(ty, deeper)
            ),
            3 => {
                let operator = ["add", "sub", "mul", "div", "min", "max", "pmin", "pmax"];
                let operator = operator[self.below(8) as usize];
                format!(
                    "({lanes}.{operator} {} {})",
                    self.lanes(ty, deeper),
                    self.lanes(ty, deeper)
                )
            }
            4 => {
                let operator = ["sqrt", "neg", "abs", "ceil", "floor", "trunc", "nearest"];
                format!("({lanes}.{} {})", operator[self.below(7) as usize], self.lanes(ty, deeper))
            }
            _ => match ty {
                Ty::F64 => format!("(f64x2.promote_low_f32x4 {})", self.lanes(Ty::F32, deeper)),
                Ty::F32 => format!("(f32x4.demote_f64x2_zero {})", self.lanes(Ty::F64, deeper)),
            },
        }
    }
}
