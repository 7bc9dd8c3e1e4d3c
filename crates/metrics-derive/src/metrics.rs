//! `derive(Metrics)`: one metric per field.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{DeriveInput, Error, Ident, LitStr, Result};

mod field;

use self::field::{Declared, Field};
use crate::syntax::named_fields;

/// What the attributes of the struct say.
#[derive(Default)]
struct Attributes {
    prefix: Option<LitStr>,
    /// Whether the fields are one group, to be recorded together.
    group: bool,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let attributes = Attributes::read(input)?;
    let fields = named_fields(input, "Metrics")?;
    let prefix = attributes.prefix.as_ref();
    let fields = fields.iter().map(|field| Field::read(field, prefix)).collect::<Result<Vec<_>>>()?;
    refuse_duplicates(&fields)?;
    let checks = fields.iter().map(Field::checks);
    let implementation = if attributes.group { group(&input.ident, &fields)? } else { metrics(&input.ident, &fields) };
    Ok(quote! { #(#checks)* #implementation })
}

/// Fields that are registered one by one.
fn metrics(ty: &Ident, fields: &[Field]) -> TokenStream {
    let idents = fields.iter().map(|field| field.ident);
    let registrations = fields.iter().map(Field::registration);
    let descriptions = fields.iter().map(Field::description);
    quote! {
        #[automatically_derived]
        impl ::streamgauge_metrics::Metrics for #ty {
            #[track_caller]
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

/// Fields that are one thing.
fn group(ty: &Ident, fields: &[Field]) -> Result<TokenStream> {
    let idents = fields.iter().map(|field| field.ident);
    let types: Vec<_> = fields.iter().map(Field::ty).collect();
    let mut descs = Vec::new();
    for field in fields {
        let Some(declared) = field.declared() else {
            return Err(Error::new(field.ident.span(), "a group of metrics has no other group in it"));
        };
        descs.push(declared.desc(field.ty()));
    }
    Ok(quote! {
        #[automatically_derived]
        impl ::streamgauge_metrics::Group for #ty {
            const STORAGE: &'static [::streamgauge_metrics::derived::Storage] =
                &[#(<#types as ::streamgauge_metrics::derived::Single>::STORAGE),*];

            fn declare(
                labels: &'static [::streamgauge_metrics::Label],
            ) -> ::std::vec::Vec<::streamgauge_metrics::Desc> {
                ::std::vec![#(::streamgauge_metrics::derived::labelled(#descs, labels)),*]
            }

            fn assemble(fields: &mut ::streamgauge_metrics::derived::Fields<'_>) -> Self {
                Self { #(#idents: fields.take::<#types>(),)* }
            }
        }

        #[automatically_derived]
        impl ::streamgauge_metrics::Metrics for #ty {
            #[track_caller]
            fn register(
                registry: &::streamgauge_metrics::Registry,
            ) -> ::core::result::Result<Self, ::streamgauge_metrics::RegisterError> {
                registry.register_group::<Self>()
            }

            fn describe() -> ::std::vec::Vec<::streamgauge_metrics::Desc> {
                <Self as ::streamgauge_metrics::Group>::declare(&[])
            }
        }
    })
}

impl Attributes {
    fn read(input: &DeriveInput) -> Result<Self> {
        let mut attributes = Self::default();
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("metrics")) {
            attribute.parse_nested_meta(|meta| attributes.take(&meta))?;
        }
        Ok(attributes)
    }

    fn take(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        if meta.path.is_ident("group") {
            self.group = true;
            return Ok(());
        }
        if !meta.path.is_ident("prefix") {
            return Err(meta.error("a struct takes `prefix = \"…\"` and `group` only"));
        }
        let text: LitStr = meta.value()?.parse()?;
        if text.value().is_empty() {
            return Err(Error::new(text.span(), "leave an empty prefix out"));
        }
        self.prefix = Some(text);
        Ok(())
    }
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
