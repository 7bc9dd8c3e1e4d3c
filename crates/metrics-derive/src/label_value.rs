//! `derive(LabelValue)`: one text per variant.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Ident, LitStr, Result, Variant};

use crate::syntax::{LabelAttribute, refuse_parameters, wire_name};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    refuse_parameters(input, "LabelValue")?;
    let Data::Enum(data) = &input.data else {
        let message = "LabelValue is for enums; a struct of labels is a LabelSet";
        return Err(Error::new(input.ident.span(), message));
    };
    if data.variants.is_empty() {
        let message = "an enum without variants has no values";
        return Err(Error::new(input.ident.span(), message));
    }
    let texts = data.variants.iter().map(text_of).collect::<Result<Vec<_>>>()?;
    refuse_duplicates(&texts)?;

    let variants: Vec<&Ident> = data.variants.iter().map(|v| &v.ident).collect();
    Ok(implementation(&input.ident, &variants, &texts))
}

fn implementation(ty: &Ident, variants: &[&Ident], texts: &[LitStr]) -> TokenStream {
    let indices = 0..variants.len();
    quote! {
        #[automatically_derived]
        impl ::streamgauge_metrics::LabelValue for #ty {
            const VALUES: ::core::option::Option<&'static [&'static str]> =
                ::core::option::Option::Some(&[#(#texts),*]);

            fn text(&self) -> ::std::borrow::Cow<'_, str> {
                ::std::borrow::Cow::Borrowed(match self {
                    #(Self::#variants => #texts,)*
                })
            }

            #[inline]
            fn index(&self) -> usize {
                match self {
                    #(Self::#variants => #indices,)*
                }
            }

            #[inline]
            fn hash_quickly(&self, hasher: &mut impl ::core::hash::Hasher) {
                hasher.write_usize(::streamgauge_metrics::LabelValue::index(self));
            }

            #[inline]
            fn is_same(&self, other: &Self) -> bool {
                ::streamgauge_metrics::LabelValue::index(self) == ::streamgauge_metrics::LabelValue::index(other)
            }
        }
    }
}

fn text_of(variant: &Variant) -> Result<LitStr> {
    if !variant.fields.is_empty() {
        let message = "a variant with fields has no fixed text; count the fields elsewhere";
        return Err(Error::new_spanned(variant, message));
    }
    let ident = &variant.ident;
    let attribute = LabelAttribute::read(&variant.attrs)?;
    if attribute.unbounded {
        return Err(Error::new_spanned(variant, "`unbounded` is for the label, not for one of its values"));
    }
    Ok(attribute.text.unwrap_or_else(|| LitStr::new(&snake_case(&wire_name(ident)), ident.span())))
}

fn refuse_duplicates(texts: &[LitStr]) -> Result<()> {
    let mut seen = HashSet::new();
    for text in texts {
        if !seen.insert(text.value()) {
            let message = format!("two variants have the text `{}`", text.value());
            return Err(Error::new(text.span(), message));
        }
    }
    Ok(())
}

/// `TooLate` → `too_late`, `HTTPError` → `http_error`, `Http2` → `http2`.
fn snake_case(camel: &str) -> String {
    let characters: Vec<char> = camel.chars().collect();
    let mut snake = String::new();
    for (i, &character) in characters.iter().enumerate() {
        if character.is_uppercase() && starts_word(&characters, i) {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

/// Whether the capital at `i` begins a word that is not the first one.
fn starts_word(characters: &[char], i: usize) -> bool {
    let Some(previous) = i.checked_sub(1).map(|before| characters[before]) else {
        return false;
    };
    let before_small = characters.get(i + 1).is_some_and(|next| next.is_lowercase());
    previous != '_' && (!previous.is_uppercase() || before_small)
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn words_are_told_apart_by_their_capitals() {
        let cases = [
            ("Ok", "ok"),
            ("TooLate", "too_late"),
            ("HTTPError", "http_error"),
            ("IoError", "io_error"),
            ("Http2Server", "http2_server"),
            ("L1", "l1"),
            ("A", "a"),
            ("AB", "ab"),
            ("Snake_Case", "snake_case"),
        ];
        for (camel, snake) in cases {
            assert_eq!(snake_case(camel), snake);
        }
    }
}
