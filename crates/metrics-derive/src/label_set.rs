//! `derive(LabelSet)`: one label per field.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Field, Ident, LitStr, Result, Type};

use crate::syntax::{LabelAttribute, named_fields, refuse_at, wire_name};

struct Label<'a> {
    field: &'a Ident,
    ty: &'a Type,
    name: LitStr,
    unbounded: bool,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = named_fields(input, "LabelSet")?;
    let labels = fields.iter().map(Label::read).collect::<Result<Vec<_>>>()?;
    refuse_duplicates(&labels)?;

    let ty = &input.ident;
    let checks = labels.iter().map(Label::check);
    let declarations = labels.iter().map(Label::declaration);
    let texts = labels.iter().map(Label::text);
    let types: Vec<_> = labels.iter().map(|label| label.ty).collect();
    let fields: Vec<_> = labels.iter().map(|label| label.field).collect();
    Ok(quote! {
        #(#checks)*

        #[automatically_derived]
        impl ::streamgauge_metrics::LabelSet for #ty {
            const LABELS: &'static [::streamgauge_metrics::Label] = &[#(#declarations),*];

            const DENSE: ::core::option::Option<usize> = ::streamgauge_metrics::label_sets(Self::LABELS);

            #[inline]
            fn index(&self) -> usize {
                let mut index = 0;
                #(index = index * const {
                    match <#types as ::streamgauge_metrics::LabelValue>::VALUES {
                        ::core::option::Option::Some(values) => values.len(),
                        ::core::option::Option::None => 1,
                    }
                } + ::streamgauge_metrics::LabelValue::index(&self.#fields);)*
                index
            }

            #[inline]
            fn hash_quickly(&self, hasher: &mut impl ::core::hash::Hasher) {
                #(::streamgauge_metrics::LabelValue::hash_quickly(&self.#fields, hasher);)*
            }

            #[inline]
            fn is_same(&self, other: &Self) -> bool {
                true #(&& ::streamgauge_metrics::LabelValue::is_same(&self.#fields, &other.#fields))*
            }

            fn values(&self) -> ::std::vec::Vec<::std::borrow::Cow<'_, str>> {
                ::std::vec![#(#texts),*]
            }

            #[inline]
            fn remembered<R>(
                look: impl ::core::ops::FnOnce(&::streamgauge_metrics::derived::Remembered<Self>) -> R,
            ) -> ::core::option::Option<R> {
                ::std::thread_local! {
                    static REMEMBERED: ::streamgauge_metrics::derived::Remembered<#ty> =
                        const { ::streamgauge_metrics::derived::Remembered::new() };
                }
                REMEMBERED.try_with(look).ok()
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
        let attribute = LabelAttribute::read(&field.attrs)?;
        let name = attribute.text.unwrap_or_else(|| LitStr::new(&wire_name(ident), ident.span()));
        Ok(Self { field: ident, ty: &field.ty, name, unbounded: attribute.unbounded })
    }

    fn check(&self) -> TokenStream {
        let name = &self.name;
        refuse_at(name.span(), &quote! { ::streamgauge_metrics::desc::label_name_fault(#name) })
    }

    fn declaration(&self) -> TokenStream {
        let (name, ty, unbounded) = (&self.name, self.ty, self.unbounded);
        quote! {
            ::streamgauge_metrics::Label {
                name: ::std::borrow::Cow::Borrowed(#name),
                unbounded: #unbounded,
                values: <#ty as ::streamgauge_metrics::LabelValue>::VALUES,
            }
        }
    }

    fn text(&self) -> TokenStream {
        let field = self.field;
        quote! {
            ::streamgauge_metrics::LabelValue::text(&self.#field)
        }
    }
}
