//! Reading what the three derives have in common.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Expr, Field, Fields, Ident, Lit, LitStr, Meta, Result, Token};

/// The fields of a struct that has names for them and takes no parameters.
pub(crate) fn named_fields<'a>(input: &'a DeriveInput, derive: &str) -> Result<&'a Punctuated<Field, Token![,]>> {
    refuse_parameters(input, derive)?;
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(&fields.named),
            other => {
                let message = format!("{derive} needs named fields: a field's name is on the wire");
                Err(Error::new(span_of(other, input), message))
            }
        },
        _ => Err(Error::new(input.ident.span(), format!("{derive} is for structs with named fields"))),
    }
}

pub(crate) fn refuse_parameters(input: &DeriveInput, derive: &str) -> Result<()> {
    if input.generics.params.is_empty() {
        return Ok(());
    }
    let message = format!("{derive} takes no type parameters or lifetimes: names are fixed");
    Err(Error::new(input.generics.span(), message))
}

fn span_of(fields: &Fields, input: &DeriveInput) -> Span {
    if fields.is_empty() { input.ident.span() } else { fields.span() }
}

/// An identifier as it is on the wire: `r#type` is `type`.
pub(crate) fn wire_name(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_owned()
}

/// What `#[label("text", unbounded)]` says; both can be left out.
#[derive(Default)]
pub(crate) struct LabelAttribute {
    pub(crate) text: Option<LitStr>,
    pub(crate) unbounded: bool,
}

impl LabelAttribute {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut own = attributes.iter().filter(|attribute| attribute.path().is_ident("label"));
        let Some(attribute) = own.next() else { return Ok(Self::default()) };
        if let Some(second) = own.next() {
            return Err(Error::new(second.span(), "one `#[label(…)]` is enough"));
        }
        attribute.parse_args_with(Self::parse)
    }

    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let text = if input.peek(LitStr) { Some(input.parse()?) } else { None };
        if text.is_some() && !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        let unbounded = !input.is_empty();
        if unbounded {
            let word: Ident = input.parse()?;
            if word != "unbounded" {
                return Err(Error::new(word.span(), "expected a text, `unbounded`, or both"));
            }
        }
        Ok(Self { text, unbounded })
    }
}

/// The first paragraph of a doc comment, its lines joined: the rest is for readers of the code.
pub(crate) fn first_paragraph(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes.iter().filter_map(doc_text).collect();
    let text = lines.join("\n");
    let paragraph = text.lines().map(str::trim).skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    paragraph.collect::<Vec<_>>().join(" ")
}

fn doc_text(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    if !meta.path.is_ident("doc") {
        return None;
    }
    match &meta.value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// A constant that fails to compile at `span` when `fault`, an `Option<&str>`, is a fault.
pub(crate) fn refuse_at(span: Span, fault: &TokenStream) -> TokenStream {
    quote_spanned! {span=>
        const _: () = if let ::core::option::Option::Some(fault) = #fault {
            ::core::panic!("{}", fault)
        };
    }
}
