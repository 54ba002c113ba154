//! The types of a module that was found valid.

use wasmparser::{
    BinaryReaderError, CompositeInnerType, FunctionSectionReader, ImportSectionReader, SubType,
    TypeRef, TypeSectionReader, ValType,
};

use crate::flow::{Arity, Signatures};

/// All types, and which of them each function has.
#[derive(Debug, Default)]
pub(super) struct Types {
    types: Vec<SubType>,
    pub(super) signatures: Signatures,
}

impl Types {
    pub(super) fn declare_types(
        &mut self,
        section: TypeSectionReader<'_>,
    ) -> Result<(), BinaryReaderError> {
        for group in section {
            self.types.extend(group?.into_types());
        }
        self.signatures.types = self.types.iter().map(Arity::of).collect();
        Ok(())
    }

    pub(super) fn import(
        &mut self,
        section: ImportSectionReader<'_>,
    ) -> Result<(), BinaryReaderError> {
        for import in section.into_imports() {
            match import?.ty {
                TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.signatures.functions.push(ty),
                TypeRef::Table(_) | TypeRef::Memory(_) | TypeRef::Global(_) | TypeRef::Tag(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn declare_functions(
        &mut self,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), BinaryReaderError> {
        for ty in section {
            self.signatures.functions.push(ty?);
        }
        Ok(())
    }

    /// How many functions are known.
    pub(super) fn functions(&self) -> u32 {
        u32::try_from(self.signatures.functions.len()).unwrap_or(u32::MAX)
    }

    /// The number of a function's type.
    pub(super) fn of_function(&self, index: u32) -> Option<u32> {
        self.signatures.functions.get(index as usize).copied()
    }

    pub(super) fn sub_type(&self, index: u32) -> Option<&SubType> {
        self.types.get(index as usize)
    }

    /// What a function of this type takes.
    pub(super) fn params(&self, index: u32) -> &[ValType] {
        match self.sub_type(index).map(|ty| &ty.composite_type.inner) {
            Some(CompositeInnerType::Func(function)) => function.params(),
            Some(
                CompositeInnerType::Array(_)
                | CompositeInnerType::Struct(_)
                | CompositeInnerType::Cont(_),
            )
            | None => &[],
        }
    }
}
