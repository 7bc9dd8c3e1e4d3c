//! `derive(LabelSet)`: one label per field.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Field, Ident, LitStr, Result, Type};

use crate::syntax::{label_text, named_fields, refuse_at, wire_name};

struct Label<'a> {
    field: &'a Ident,
    ty: &'a Type,
    name: LitStr,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = named_fields(input, "LabelSet")?;
    let labels = fields.iter().map(Label::read).collect::<Result<Vec<_>>>()?;
    refuse_duplicates(&labels)?;

    let ty = &input.ident;
    let checks = labels.iter().map(Label::check);
    let declarations = labels.iter().map(Label::declaration);
    let texts = labels.iter().map(Label::text);
    Ok(quote! {
        #(#checks)*

        #[automatically_derived]
        impl ::streamgauge_metrics::LabelSet for #ty {
            const LABELS: &'static [::streamgauge_metrics::Label] = &[#(#declarations),*];

            fn values(&self) -> ::std::vec::Vec<::std::string::String> {
                ::std::vec![#(#texts),*]
            }
        }
    })
}

fn refuse_duplicates(labels: &[Label]) -> Result<()> {
    let mut seen = HashSet::new();
    for label in labels {
        if !seen.insert(label.name.value()) {
            let message = format!("the label `{}` is there twice", label.name.value());
            return Err(Error::new(label.name.span(), message));
        }
    }
    Ok(())
}

impl<'a> Label<'a> {
    fn read(field: &'a Field) -> Result<Self> {
        let Some(ident) = &field.ident else {
            return Err(Error::new_spanned(field, "a label needs a name"));
        };
        let name = match label_text(&field.attrs)? {
            Some(text) => text,
            None => LitStr::new(&wire_name(ident), ident.span()),
        };
        Ok(Self { field: ident, ty: &field.ty, name })
    }

    fn check(&self) -> TokenStream {
        let name = &self.name;
        refuse_at(name.span(), &quote! { ::streamgauge_metrics::desc::label_name_fault(#name) })
    }

    fn declaration(&self) -> TokenStream {
        let (name, ty) = (&self.name, self.ty);
        quote! {
            ::streamgauge_metrics::Label {
                name: #name,
                values: <#ty as ::streamgauge_metrics::LabelValue>::VALUES,
            }
        }
    }

    fn text(&self) -> TokenStream {
        let field = self.field;
        quote! {
            ::streamgauge_metrics::LabelValue::text(&self.#field).into_owned()
        }
    }
}
