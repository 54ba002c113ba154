//! The types of a module that was found valid.

use wasmparser::{
    BinaryReaderError, BlockType, FuncType, FunctionSectionReader, ImportSectionReader, SubType,
    TypeRef, TypeSectionReader, ValType,
};

/// How many values a function or a structure takes and gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Arity {
    pub(super) params: u32,
    pub(super) results: u32,
}

/// All types, and which of them each function has.
#[derive(Debug, Default)]
pub(super) struct Types {
    types: Vec<SubType>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
}

impl Types {
    pub(super) fn declare_types(
        &mut self,
        section: TypeSectionReader<'_>,
    ) -> Result<(), BinaryReaderError> {
        for group in section {
            self.types.extend(group?.into_types());
        }
        Ok(())
    }

    pub(super) fn import(
        &mut self,
        section: ImportSectionReader<'_>,
    ) -> Result<(), BinaryReaderError> {
        for import in section.into_imports() {
            match import?.ty {
                TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.functions.push(ty),
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
            self.functions.push(ty?);
        }
        Ok(())
    }

    /// How many functions are known.
    pub(super) fn functions(&self) -> u32 {
        u32::try_from(self.functions.len()).unwrap_or(u32::MAX)
    }

    /// The number of a function's type.
    pub(super) fn of_function(&self, index: u32) -> Option<u32> {
        self.functions.get(index as usize).copied()
    }

    pub(super) fn sub_type(&self, index: u32) -> Option<&SubType> {
        self.types.get(index as usize)
    }

    fn function_type(&self, index: u32) -> Option<&FuncType> {
        match &self.sub_type(index)?.composite_type.inner {
            wasmparser::CompositeInnerType::Func(function) => Some(function),
            wasmparser::CompositeInnerType::Array(_)
            | wasmparser::CompositeInnerType::Struct(_)
            | wasmparser::CompositeInnerType::Cont(_) => None,
        }
    }

    /// What a function of this type takes.
    pub(super) fn params(&self, index: u32) -> &[ValType] {
        self.function_type(index).map_or(&[], FuncType::params)
    }

    pub(super) fn of_type(&self, index: u32) -> Arity {
        let count = |types: &[ValType]| u32::try_from(types.len()).unwrap_or(u32::MAX);
        self.function_type(index).map_or_else(Arity::default, |function| Arity {
            params: count(function.params()),
            results: count(function.results()),
        })
    }

    pub(super) fn of_block(&self, block: BlockType) -> Arity {
        match block {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { params: 0, results: 1 },
            BlockType::FuncType(index) => self.of_type(index),
        }
    }
}
