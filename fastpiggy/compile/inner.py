"""How what is called inside a kernel is compiled: for compiled code alone.

Numba makes machine code of every function, links the function into each of its callers, and
optimises it there again, at every level of nesting.  Nobody but compiled code calls a helper or a
record's method: no machine code is made of them.  What is copied into its callers is optimised
before, since LLVM vectorises a loop better before it is inlined than after (5 to 15 % of a fused
pass); what is called where it stands is optimised once, with the kernel.
"""

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _Linked(JITCodeLibrary):
    """A library that is there to be linked into others."""

    def finalize(self) -> None:
        for library in dict.fromkeys(self._linking_libraries):
            # What runs when code is loaded from the cache; older releases have no such thing.
            if hasattr(library, "_reload_init"):
                self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self.optimise()
        self._finalize_dynamic_globals()
        self._finalized = True

    def optimise(self) -> None:
        self._optimize_final_module()


class _Called(_Linked):
    """The same for what is not inlined: the kernel that calls it will optimise it."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def optimise(self) -> None:
        pass


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    """Lowering whose result can be called by compiled code only."""

    _name = "fastpiggy_lowering"

    def run_pass(self, state: Any) -> bool:
        codegen = state.targetctx.codegen()
        kind = _Linked if state.flags.forceinline else _Called
        state.library = kind(codegen, state.func_id.func_qualname)
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
        if hasattr(state.library, "_reload_init"):
            state.reload_init.extend(state.library._reload_init)
        state["cr"] = lowered._replace(cfunc=key)
        return True


class Inner(CompilerBase):
    """Numba's pipeline with the lowering above."""

    def define_pipelines(self) -> list[Any]:
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [
            (_Lowering if step is NativeLowering else step, text) for step, text in manager.passes
        ]
        manager._finalized = False
        manager.finalize()
        return [manager]
