//! What callgrind has written about a run, summed by the parts of the work.

use std::collections::HashMap;
use std::error::Error;
use std::io::BufRead;
use std::rc::Rc;

use crate::stages::{REST, Sums};

/// How far callers are followed; who is further away is not worth the time.
const DEPTH: usize = 12;

/// Instructions by part: reads what was written with `--dump-instr=yes --compress-pos=no`. `part` says for an address which part it belongs to. What belongs to
/// none, such as a function of the C library, is shared out among its callers as their calls of it have cost.
///
/// # Errors
/// If it is something else.
pub fn sums(text: impl BufRead, mut part: impl FnMut(u64) -> Option<Rc<str>>) -> Result<Sums, Box<dyn Error>> {
    let mut reading = Reading::default();
    for line in text.lines() {
        reading.line(&line?, &mut part)?;
    }
    Ok(reading.shared_out())
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Caller {
    Part(Rc<str>),
    Function(usize),
}

/// A function of which something belongs to no part.
#[derive(Default)]
struct Function {
    own: f64,
    callers: HashMap<Caller, f64>,
}

#[derive(Default)]
struct Reading {
    sums: Sums,
    functions: HashMap<usize, Function>,
    current: usize,
    callee: usize,
    is_call: bool, // the next line is what a call has cost
}

impl Reading {
    fn line(&mut self, line: &str, part: &mut impl FnMut(u64) -> Option<Rc<str>>) -> Result<(), Box<dyn Error>> {
        if let Some(name) = line.strip_prefix("fn=") {
            self.current = number(name)?;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            self.callee = number(name)?;
        } else if line.starts_with("calls=") {
            self.is_call = true;
        } else if let Some(place) = line.strip_prefix("0x") {
            self.cost(place, part)?;
        }
        Ok(())
    }

    fn cost(&mut self, place: &str, part: &mut impl FnMut(u64) -> Option<Rc<str>>) -> Result<(), Box<dyn Error>> {
        let mut words = place.split(' ');
        let (Some(address), Some(_line), Some(cost)) = (words.next(), words.next(), words.next()) else {
            return Ok(()); // a line that nothing was counted at
        };
        let (part, cost) = (part(u64::from_str_radix(address, 16)?), cost.parse::<f64>()?);
        match (std::mem::take(&mut self.is_call), part) {
            (false, Some(part)) => *self.sums.entry(part).or_default() += cost,
            (false, None) => self.functions.entry(self.current).or_default().own += cost,
            (true, part) => {
                let caller = part.map_or(Caller::Function(self.current), Caller::Part);
                *self.functions.entry(self.callee).or_default().callers.entry(caller).or_default() += cost;
            }
        }
        Ok(())
    }

    fn shared_out(mut self) -> Sums {
        for function in self.functions.values() {
            share(&self.functions, function, function.own, DEPTH, &mut self.sums);
        }
        self.sums
    }
}

fn share(functions: &HashMap<usize, Function>, function: &Function, cost: f64, depth: usize, sums: &mut Sums) {
    let all: f64 = function.callers.values().sum();
    if cost < 1.0 || all == 0.0 || depth == 0 {
        *sums.entry(REST.into()).or_default() += cost;
        return;
    }
    for (caller, calls) in &function.callers {
        let cost = cost * calls / all;
        match caller {
            Caller::Part(part) => *sums.entry(part.clone()).or_default() += cost,
            Caller::Function(caller) => share(functions, &functions[caller], cost, depth - 1, sums),
        }
    }
}

/// Names are written once; after that their number stands for them.
fn number(name: &str) -> Result<usize, Box<dyn Error>> {
    let number = name.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(number, _)| number.parse());
    Ok(number.ok_or_else(|| format!("a name without a number: {name}"))??)
}

#[cfg(test)]
mod tests {
    use super::sums;

    #[test]
    fn what_belongs_to_no_part_is_shared_out_among_its_callers_as_their_calls_cost() {
        let text = "\
positions: instr line
fn=(1) reading
0x10 1 100
cfn=(3) copy
calls=2 0x30 0
0x11 1 30
fn=(2) judging
0x20 1 50
cfn=(4) between
calls=1 0x40 0
0x21 1 10
fn=(4)
0x40 0 1
cfn=(3)
calls=1 0x30 0
0x41 0 10
fn=(3)
0x30 0 40
fn=(5) nobody calls it
0x50 0 7
";
        let part = |address| match address {
            0x10..0x20 => Some("reading".into()),
            0x20..0x30 => Some("judging".into()),
            _ => None,
        };
        let sums = sums(text.as_bytes(), part).expect("it is well formed");
        let told: Vec<(&str, f64)> = sums.iter().map(|(part, cost)| (&**part, *cost)).collect();
        assert_eq!(told, [("judging", 61.0), ("reading", 130.0), ("the rest", 7.0)]);
    }
}
