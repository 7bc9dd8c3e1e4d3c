//! How names are spelled for a reader who asks for it.
//!
//! Names are declared of letters, digits and `_`, which every reader takes; so three of the four schemes leave them alone. The
//! fourth has to double each `_`, since it writes a dot as `_dot_`.
//!
//! Source: Prometheus, "Escaping schemes".

use std::borrow::Cow;

use crate::label::{self, Labels};

/// How names are spelled that an older reader does not take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Escaping {
    /// As they are.
    AllowUtf8,
    /// With `_` for what is not taken; what a reader gets that does not say what it wants.
    #[default]
    Underscores,
    /// With `_dot_` for a dot and `__` for `_`, so that they can be told apart again.
    Dots,
    /// With code points in hexadecimal behind `U__`.
    Values,
}

impl Escaping {
    /// As it stands in headers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Escaping::AllowUtf8 => "allow-utf-8",
            Escaping::Underscores => "underscores",
            Escaping::Dots => "dots",
            Escaping::Values => "values",
        }
    }

    /// The scheme of this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        let all = [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values];
        all.into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    /// A name of a metric or a label.
    pub(super) fn spell(self, name: &str) -> Cow<'_, str> {
        match self {
            Escaping::Dots if name.contains('_') => name.replace('_', "__").into(),
            _ => name.into(),
        }
    }

    /// The labels of a series, as text.
    pub(super) fn spell_labels(self, text: &str) -> Cow<'_, str> {
        let names_change = self == Escaping::Dots && Labels::of(text).any(|(name, _)| name.contains('_'));
        if !names_change {
            return text.into();
        }
        let mut out = String::new();
        for (name, value) in Labels::of(text) {
            label::push(&mut out, &self.spell(name), &value);
        }
        out.into()
    }
}

#[cfg(test)]
mod tests {
    use super::Escaping;

    #[test]
    fn trap_25_only_dots_changes_names_that_every_reader_takes() {
        for scheme in [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Values] {
            assert_eq!(scheme.spell("a_b_total"), "a_b_total");
            assert_eq!(scheme.spell_labels("to_x=\"a_b\""), "to_x=\"a_b\"");
        }
        assert_eq!(Escaping::Dots.spell("a_b_total"), "a__b__total");
        assert_eq!(Escaping::Dots.spell_labels("x=\"a_b\",to_x=\"a_\\\"\\n\""), "x=\"a_b\",to__x=\"a_\\\"\\n\"");
    }
}
