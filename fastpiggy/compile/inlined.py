"""How what is called inside a kernel is compiled: typed and lowered, not optimised on its own.

Numba optimises every function by itself, makes machine code of it, links it into each of its
callers and optimises it there again, at every level of nesting.  Nobody calls a helper or a
record's method but compiled code: its plain code is linked into the kernel, and the kernel is
optimised once, as a whole.  This halves the time in LLVM.
"""

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _Linked(JITCodeLibrary):
    """A library that is there to be linked into others."""

    def _optimize_functions(self, ll_module: Any) -> None:
        # The layout only; the passes come with the kernel.
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    """Lowering whose result can be called by compiled code only."""

    _name = "fastpiggy_lowering"

    def run_pass(self, state: Any) -> bool:
        codegen = state.targetctx.codegen()
        state.library = _Linked(codegen, state.func_id.func_qualname)
        state.flags.no_compile = True
        try:
            super().run_pass(state)
        finally:
            state.flags.no_compile = False
        lowered = state["cr"]
        # Numba knows compiled functions by a built-in function that Python could call, one each;
        # nobody calls this one.
        key = [].append
        state.targetctx.insert_user_function(key, lowered.fndesc, [state.library])
        state.reload_init.extend(state.library._reload_init)
        state["cr"] = lowered._replace(cfunc=key)
        return True


class Inlined(CompilerBase):
    """Numba's pipeline with the lowering above."""

    def define_pipelines(self) -> list[Any]:
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [
            (_Lowering if step is NativeLowering else step, text) for step, text in manager.passes
        ]
        manager._finalized = False
        manager.finalize()
        return [manager]
