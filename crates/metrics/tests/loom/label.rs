//! As much of a label as a metric needs.

use std::borrow::Cow;

#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) name: Cow<'static, str>,
}

pub(crate) fn push(text: &mut String, name: &str, value: &str) {
    text.extend([name, "=", value, ","]);
}
