"""How kernels, and what is called inside them, are compiled.

Numba makes machine code of every function, links the function into each of its callers, and
optimises it there again, at every level of nesting.  Nobody but compiled code calls a helper or a
record's method: no machine code is made of them.  What is copied into its callers is optimised
before, since LLVM vectorises a loop better before it is inlined than after (5 to 15 % of a fused
pass); what is called where it stands is optimised once, with the kernel.

More that Numba does to every function is left out, since it gains nothing here: optimising each
function of a module before the module; the first of two rounds over a module, which brings together
counts of references where there are some; unrolling loops; compiling a callee anew for each kind of
caller; asking for the type of every call until nothing new is found; and passes that look for what
the code does not have.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite.binding import Linkage, create_pass_builder, create_pipeline_tuning_options
from numba import config
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.targetconfig import ConfigStack
from numba.core.typed_passes import (
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import (
    FixupArgs,
    GenericRewrites,
    ReconstructSSA,
    TranslateByteCode,
)

from fastpiggy.compile.lowering import Plain


class _Optimised(JITCodeLibrary):
    """A library that is optimised as a whole, in one round where it counts no references."""

    counts = True

    def finalize(self) -> None:
        self._linking_libraries = list(dict.fromkeys(_wanted(self._linking_libraries)))
        super().finalize()

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        if self.counts:
            super()._optimize_final_module()
            return
        options = create_pipeline_tuning_options(speed_level=int(config.OPT))
        options.loop_vectorization = bool(config.LOOP_VECTORIZE)
        options.slp_vectorization = bool(config.SLP_VECTORIZE)
        # Unrolled loops take a tenth longer to compile, and no solve was faster for them.
        options.loop_unrolling = False
        builder = create_pass_builder(self._codegen._tm, options)
        builder.getModulePassManager().run(self._final_module, builder)


class _Linked(_Optimised):
    """A library that is there to be linked into others."""

    def finalize(self) -> None:
        for library in dict.fromkeys(_wanted(self._linking_libraries)):
            # What runs when code is loaded from the cache; older releases have no such thing.
            if hasattr(library, "_reload_init"):
                self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._optimize_final_module()
        self._finish()

    def _finish(self) -> None:
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == Linkage.external:
                # Several callers may bring it into one kernel.
                function.linkage = "linkonce_odr"
        self._shared_module = self._final_module
        self._finalize_dynamic_globals()
        self._finalized = True


class _Called(_Linked):
    """The same for what is not inlined: the kernel that calls it links and optimises it, with what
    it calls itself."""

    def add_ir_module(self, ir_module: Any) -> None:
        for function in ir_module.functions:
            if function.blocks and "alwaysinline" not in function.attributes:
                function.attributes.add("noinline")
        super().add_ir_module(ir_module)

    def finalize(self) -> None:
        self._finish()


def _wanted(libraries: Iterable[Any]) -> Iterator[Any]:
    """Libraries, and what those of them call that have not linked it."""
    for library in libraries:
        yield library
        if isinstance(library, _Called):
            yield from _wanted(library._linking_libraries)


class _Lowering(NativeLowering):
    """Lowering into one of these libraries."""

    def kind(self, flags: Any) -> type[_Optimised]:
        return _Optimised

    def prepare(self, library: Any) -> None:
        pass

    @property
    def lowering_class(self) -> type[Lower]:
        return Lower if ConfigStack().top().nrt else Plain

    def run_pass(self, state: Any) -> bool:
        library = self.kind(state.flags)(state.targetctx.codegen(), state.func_id.func_qualname)
        library.counts = state.flags.nrt
        self.prepare(library)
        state.library = library
        if not state.flags.nrt:
            # A pass that is left out would print the source with its types.
            state.type_annotation = state.func_id.func_qualname
        return bool(super().run_pass(state))


@register_pass(mutates_CFG=True, analysis_only=False)
class _LoweringOuter(_Lowering):
    """Lowering of a kernel, whose machine code can be kept on disk."""

    _name = "fastpiggy_lowering_outer"

    def prepare(self, library: Any) -> None:
        library.enable_object_caching()


@register_pass(mutates_CFG=True, analysis_only=False)
class _LoweringInner(_Lowering):
    """Lowering whose result can be called by compiled code only."""

    _name = "fastpiggy_lowering_inner"

    def kind(self, flags: Any) -> type[_Optimised]:
        return _Linked if flags.forceinline else _Called

    def run_pass(self, state: Any) -> bool:
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


class _Asked:
    """A typing context that answers once: inference asks for each call at least twice, since it
    goes on until nothing new is found."""

    def __init__(self, context: Any) -> None:
        self._context, self._answers = context, {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def resolve_function_type(self, function: Any, args: Any, kws: Any) -> Any:
        question = function, args, tuple(kws.items())
        if question not in self._answers:
            answer = self._context.resolve_function_type(function, args, kws)
            if answer is None:
                return None
            self._answers[question] = answer
        return self._answers[question]


@register_pass(mutates_CFG=True, analysis_only=False)
class _Inference(NopythonTypeInference):
    _name = "fastpiggy_inference"

    def run_pass(self, state: Any) -> bool:
        context = state.typingctx
        state.typingctx = _Asked(context)
        try:
            return bool(super().run_pass(state))
        finally:
            state.typingctx = context


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which takes a fifth of the time: a compiler makes millions of
    objects, nearly all of which live until it is done."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            if gc.get_freeze_count() == 0:
                # To the oldest objects with all of them, which are not looked through at once.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


#: What code goes through that makes no array.  The other half of Numba's passes look, statement by
#: statement, for closures, expressions of whole arrays, contexts and unrolled loops.
_PLAIN = {
    TranslateByteCode, FixupArgs, GenericRewrites, ReconstructSSA, NopythonTypeInference,
    PreLowerStripPhis, NativeLowering, NoPythonBackend,
}  # fmt: skip


class _Pipeline(CompilerBase):
    """Numba's pipeline, all of whose callees are compiled once.

    Numba keeps what it has compiled for a call by the flags of the *caller*, and would compile one
    helper anew for a kernel, for a helper, and for what is called apart.
    """

    lowering: type[_Lowering]

    def _compile_core(self) -> Any:
        with _uncollected():
            return super()._compile_core()

    def define_pipelines(self) -> list[Any]:
        seen = ConfigStack().top()
        seen.forceinline = seen.release_gil = False
        seen.no_cpython_wrapper = seen.no_cfunc_wrapper = True
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        ours = {NativeLowering: self.lowering, NopythonTypeInference: _Inference}
        manager.passes = [
            (ours.get(step, step), text)
            for step, text in manager.passes
            if seen.nrt or step in _PLAIN
        ]
        manager._finalized = False
        manager.finalize()
        return [manager]


class Outer(_Pipeline):
    """Of kernels."""

    lowering = _LoweringOuter


class Inner(_Pipeline):
    """Of helpers and methods, lowered as above."""

    lowering = _LoweringInner
