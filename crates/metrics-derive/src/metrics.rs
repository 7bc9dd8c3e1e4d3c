//! `derive(Metrics)`: one metric per field.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Ident, LitStr, Result};

mod field;

use self::field::{Declared, Field};
use crate::syntax::named_fields;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let prefix = prefix(input)?;
    let fields = named_fields(input, "Metrics")?;
    let fields = fields.iter().map(|field| Field::read(field, prefix.as_ref())).collect::<Result<Vec<_>>>()?;
    refuse_duplicates(&fields)?;
    Ok(implementation(&input.ident, &fields))
}

fn implementation(ty: &Ident, fields: &[Field]) -> TokenStream {
    let checks = fields.iter().map(Field::checks);
    let idents = fields.iter().map(|field| field.ident);
    let registrations = fields.iter().map(Field::registration);
    let descriptions = fields.iter().map(Field::description);
    quote! {
        #(#checks)*

        #[automatically_derived]
        impl ::streamgauge_metrics::Metrics for #ty {
            fn register(
                registry: &::streamgauge_metrics::Registry,
            ) -> ::core::result::Result<Self, ::streamgauge_metrics::RegisterError> {
                ::core::result::Result::Ok(Self {
                    #(#idents: #registrations,)*
                })
            }

            fn describe() -> ::std::vec::Vec<::streamgauge_metrics::Desc> {
                let mut all = ::std::vec::Vec::new();
                #(#descriptions)*
                all
            }
        }
    }
}

/// The text in `#[metrics(prefix = "text")]` on the struct.
fn prefix(input: &DeriveInput) -> Result<Option<LitStr>> {
    let mut prefix = None;
    for attribute in &input.attrs {
        if !attribute.path().is_ident("metrics") {
            continue;
        }
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("prefix") {
                return Err(meta.error("a struct takes `prefix = \"…\"` only"));
            }
            let text: LitStr = meta.value()?.parse()?;
            if text.value().is_empty() {
                return Err(Error::new(text.span(), "leave an empty prefix out"));
            }
            prefix = Some(text);
            Ok(())
        })?;
    }
    Ok(prefix)
}

fn refuse_duplicates(fields: &[Field]) -> Result<()> {
    let mut seen = HashSet::new();
    for Declared { name, .. } in fields.iter().filter_map(Field::declared) {
        if !seen.insert(name.value()) {
            let message = format!("the metric `{}` is there twice", name.value());
            return Err(Error::new(name.span(), message));
        }
    }
    Ok(())
}
