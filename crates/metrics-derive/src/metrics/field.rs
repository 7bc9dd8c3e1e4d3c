//! One field of a group: a metric, or another group.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprArray, Ident, LitStr, Result, Token, Type, parse_quote};

use crate::syntax::{first_paragraph, refuse_at, wire_name};

/// The sets a declaration can name, and their variants of `Buckets`.
const SETS: [(&str, &str); 3] =
    [("LATENCY_MS", "LatencyMs"), ("SIZE_BYTES", "SizeBytes"), ("THROUGHPUT", "Throughput")];

pub(super) struct Field<'a> {
    pub(super) ident: &'a Ident,
    ty: &'a Type,
    /// `None` for a flattened group, which declares its metrics itself.
    declared: Option<Declared>,
}

/// What the declaration says of a metric.
pub(super) struct Declared {
    pub(super) name: LitStr,
    help: String,
    unit: Option<LitStr>,
    buckets: Option<Expr>,
    native: Option<Expr>,
    quantiles: Option<Expr>,
    expire_after: Option<Expr>,
    labels: Option<ExprArray>,
}

/// The attributes of a field as they are typed.
#[derive(Default)]
struct Attributes {
    name: Option<LitStr>,
    unit: Option<LitStr>,
    buckets: Option<Expr>,
    native: Option<Expr>,
    quantiles: Option<Expr>,
    expire_after: Option<Expr>,
    labels: Option<ExprArray>,
    flatten: bool,
}

impl<'a> Field<'a> {
    pub(super) fn read(field: &'a syn::Field, prefix: Option<&LitStr>) -> Result<Self> {
        let Some(ident) = &field.ident else {
            return Err(Error::new_spanned(field, "a metric needs a name"));
        };
        let attributes = Attributes::read(field)?;
        let declared = if attributes.flatten {
            attributes.refuse_beside_flatten(ident)?;
            None
        } else {
            Some(Declared::new(field, ident, attributes, prefix)?)
        };
        Ok(Self { ident, ty: &field.ty, declared })
    }

    pub(super) fn declared(&self) -> Option<&Declared> {
        self.declared.as_ref()
    }

    /// Constants that do not compile when the registry would refuse the declaration.
    pub(super) fn checks(&self) -> TokenStream {
        let Some(declared) = &self.declared else {
            return TokenStream::new();
        };
        let (ty, name, span) = (self.ty, &declared.name, self.ident.span());
        let kind = quote! { <#ty as ::streamgauge_metrics::Declared>::KIND };
        let by_name = refuse_at(span, &quote! { ::streamgauge_metrics::desc::metric_name_fault(#kind, #name) });
        let bucketed = declared.buckets.is_some();
        let by_buckets = refuse_at(span, &quote! { ::streamgauge_metrics::desc::buckets_fault(#kind, #bucketed) });
        let by_bounds = declared.custom_bounds().map(|bounds| {
            let bounds = quote! { &#bounds };
            refuse_at(span, &quote! { ::streamgauge_metrics::histogram::bounds_fault(#bounds) })
        });
        let by_quantiles = declared.listed_quantiles().map(|list| {
            let list = quote! { &#list };
            refuse_at(span, &quote! { ::streamgauge_metrics::summary::quantiles_fault(#list) })
        });
        let by_labels = declared
            .labels
            .iter()
            .flat_map(|labels| &labels.elems)
            .map(|name| refuse_at(name.span(), &quote! { ::streamgauge_metrics::desc::label_name_fault(#name) }));
        quote! { #by_name #by_buckets #by_bounds #by_quantiles #(#by_labels)* }
    }

    pub(super) fn ty(&self) -> &Type {
        self.ty
    }

    pub(super) fn registration(&self) -> TokenStream {
        let ty = self.ty;
        match &self.declared {
            Some(declared) => {
                let desc = declared.desc(ty);
                quote! { registry.register::<#ty>(#desc)? }
            }
            None => {
                quote! { <#ty as ::streamgauge_metrics::Metrics>::register(registry)? }
            }
        }
    }

    pub(super) fn description(&self) -> TokenStream {
        let ty = self.ty;
        match &self.declared {
            Some(declared) => {
                let desc = declared.desc(ty);
                quote! { all.push(#desc); }
            }
            None => {
                quote! { all.extend(<#ty as ::streamgauge_metrics::Metrics>::describe()); }
            }
        }
    }
}

impl Declared {
    fn new(field: &syn::Field, ident: &Ident, attributes: Attributes, prefix: Option<&LitStr>) -> Result<Self> {
        let help = first_paragraph(&field.attrs);
        if help.is_empty() {
            let message = "a metric needs a doc comment: it is the HELP text";
            return Err(Error::new(ident.span(), message));
        }
        let own = attributes.name.map_or_else(|| wire_name(ident), |name| name.value());
        let name = match prefix {
            Some(prefix) => format!("{}_{own}", prefix.value()),
            None => own,
        };
        let Attributes { unit, buckets, native, quantiles, expire_after, labels, .. } = attributes;
        let name = LitStr::new(&name, ident.span());
        Ok(Self { name, help, unit, buckets, native, quantiles, expire_after, labels })
    }

    /// An expression that makes the `Desc`.
    pub(super) fn desc(&self, ty: &Type) -> TokenStream {
        let (name, help) = (&self.name, &self.help);
        let unit = self.unit.as_ref().map(|unit| quote! { .with_unit(#unit) });
        let buckets = self.buckets.as_ref().map(|_| {
            let buckets = self.buckets_value();
            quote! { .with_buckets(#buckets) }
        });
        let native = self.native.as_ref().map(|native| quote! { .with_native(#native) });
        let quantiles = self.quantiles.as_ref().map(|quantiles| quote! { .with_quantiles(#quantiles) });
        let expiry = self.expire_after.as_ref().map(|after| quote! { .expiring_after(#after) });
        let labels = self.labels.as_ref().map(|labels| quote! { .with_labels(#labels) });
        quote! {
            ::streamgauge_metrics::Desc::of::<#ty>(#name, #help) #unit #buckets #native #quantiles #expiry #labels
        }
    }

    /// The quantiles, if they are a list and not of another type.
    fn listed_quantiles(&self) -> Option<&Expr> {
        self.quantiles.as_ref().filter(|quantiles| matches!(quantiles, Expr::Array(_)))
    }

    fn buckets_value(&self) -> TokenStream {
        if let Some(variant) = self.named_set() {
            return quote! { ::streamgauge_metrics::Buckets::#variant };
        }
        let bounds = &self.buckets;
        quote! {
            ::streamgauge_metrics::Buckets::Custom(::std::borrow::Cow::Borrowed(const { &#bounds }))
        }
    }

    fn custom_bounds(&self) -> Option<&Expr> {
        match self.named_set() {
            Some(_) => None,
            None => self.buckets.as_ref(),
        }
    }

    fn named_set(&self) -> Option<Ident> {
        let Some(Expr::Path(path)) = &self.buckets else {
            return None;
        };
        let ident = path.path.get_ident()?;
        let (_, variant) = SETS.iter().find(|(name, _)| ident == name)?;
        Some(Ident::new(variant, ident.span()))
    }
}

impl Attributes {
    fn read(field: &syn::Field) -> Result<Self> {
        let mut attributes = Self::default();
        for attribute in &field.attrs {
            if attribute.path().is_ident("metrics") {
                attribute.parse_nested_meta(|meta| attributes.take(&meta))?;
            }
        }
        Ok(attributes)
    }

    fn take(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        if meta.path.is_ident("name") {
            self.name = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("unit") {
            self.unit = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("buckets") {
            self.buckets = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("native") {
            self.native = Some(native(meta)?);
        } else if meta.path.is_ident("quantiles") {
            self.quantiles = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("expire_after") {
            self.expire_after = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("labels") {
            self.labels = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("flatten") {
            self.flatten = true;
        } else {
            return Err(meta.error(
                "expected `buckets`, `expire_after`, `labels`, `name`, `native`, `quantiles`, `unit` or `flatten`",
            ));
        }
        Ok(())
    }

    fn refuse_beside_flatten(&self, ident: &Ident) -> Result<()> {
        let Self { name, unit, buckets, native, quantiles, expire_after, labels, flatten: _ } = self;
        let said = [buckets, native, quantiles, expire_after].into_iter().any(Option::is_some);
        if name.is_none() && unit.is_none() && labels.is_none() && !said {
            return Ok(());
        }
        let message = "a flattened group declares its metrics itself";
        Err(Error::new(ident.span(), message))
    }
}

/// What stands behind `native =`, or the standard if nothing does.
fn native(meta: &ParseNestedMeta) -> Result<Expr> {
    if meta.input.peek(Token![=]) {
        return meta.value()?.parse();
    }
    Ok(parse_quote! { ::streamgauge_metrics::Native::default() })
}
