//! As much of a label as a metric needs.

use std::borrow::Cow;
use std::marker::PhantomData;

#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) name: Cow<'static, str>,
}

/// Nobody reads them here.
pub(crate) struct Labels<'a>(PhantomData<&'a str>);

impl<'a> Labels<'a> {
    pub(crate) const fn of(_: &'a str) -> Self {
        Self(PhantomData)
    }
}

pub(crate) fn push(text: &mut String, name: &str, value: &str) {
    text.extend([name, "=", value, ","]);
}
