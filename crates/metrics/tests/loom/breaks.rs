//! Everything that carries a proof is broken once, and the models named here must see it.

use crate::check::Break::{self, At, Locks, References};
use crate::check::Model;
use crate::models::{arenas, counters, expiry, natives, readers, series, snapshots, summaries};
use crate::sync::Step::{
    Adopt, Answer, Begin, Down, End, FenceAfterCopy, FenceAfterRing, FenceAfterUndo, FenceBeforeCells, FenceBeforeUndo,
    Fill, FindShown, ItsOwnAnswer, Leave, LetGo, Overwrite, ReadDowns, ReadFirst, ReadHead, ReadRequest, ReadSecond,
    Request, Show, StillTheSame, TakeAnswer, TakeOut,
};

const SEEN: &[(Break, &[Model])] = &[
    (At(FenceBeforeUndo), &[snapshots::TWO_RECORDS, snapshots::THREE_CELLS, arenas::ADOPTED]),
    (At(Begin), &[snapshots::TWO_RECORDS]),
    (At(FenceBeforeCells), &[snapshots::TWO_RECORDS, snapshots::THREE_CELLS, arenas::ADOPTED]),
    (At(End), &[snapshots::TWO_RECORDS, snapshots::WHOLE_COPY, readers::DIRECT_TWICE, natives::TAKEN]),
    (At(ReadFirst), &[snapshots::TWO_RECORDS, snapshots::WHOLE_COPY, readers::DIRECT_TWICE, natives::TAKEN]),
    (At(FenceAfterCopy), &[snapshots::TWO_RECORDS, snapshots::THREE_CELLS, arenas::ADOPTED]),
    (At(ReadSecond), &[snapshots::TWO_RECORDS]),
    (At(FenceAfterUndo), &[snapshots::TWO_RECORDS, snapshots::THREE_CELLS, arenas::ADOPTED]),
    (At(StillTheSame), &[snapshots::TWO_RECORDS, snapshots::THREE_CELLS, arenas::ADOPTED]),
    (At(Answer), &[snapshots::ONLY_ASKED, readers::BOTH_ASK, readers::DIRECT_THEN_HELPED]),
    (At(TakeAnswer), &[snapshots::ONLY_ASKED, readers::BOTH_ASK, readers::DIRECT_THEN_HELPED]),
    (At(ItsOwnAnswer), &[snapshots::ONLY_ASKED, readers::ASK_APART, readers::HELPED_TWICE]),
    (At(Down), &[counters::GUARD_READ, counters::GUARD_GATHERED]),
    (At(ReadDowns), &[counters::GUARD_GATHERED]),
    (At(LetGo), &[series::BEGUN_ANEW]),
    (At(TakeOut), &[series::BEGUN_ANEW]),
    (At(Fill), &[summaries::READ]),
    (At(ReadHead), &[summaries::READ]),
    (At(Leave), &[summaries::ADOPTED]),
    (At(Adopt), &[summaries::ADOPTED]),
    (Locks, &[arenas::HANDED_OVER]),
    (References, &[series::CELLS_REUSED, expiry::LOOKED_UP]),
];

/// The request keeps an owner from writing an answer before the reader of the one before is done
/// with it; a series is shown after what its cells held before was read; the lock of a side is taken
/// after the ring was copied. That a load is done late,
/// after a store that follows it, is what C++ allows and ARM does; loom runs every load where it
/// stands.
const BEYOND_LOOM: &[(Break, &[Model])] = &[
    (At(Request), &[readers::BOTH_ASK, readers::ASK_APART]),
    (At(ReadRequest), &[readers::BOTH_ASK, readers::ASK_APART]),
    (At(Show), &[series::FOUND]),
    (At(FindShown), &[series::FOUND]),
    (At(Overwrite), &[summaries::TWO_READERS]),
    (At(FenceAfterRing), &[summaries::TWO_READERS]),
];

/// Whether something is in one of the tables.
pub(crate) fn is_listed(place: Break) -> bool {
    SEEN.iter().chain(BEYOND_LOOM).any(|(listed, _)| *listed == place)
}

#[test]
fn whatever_is_broken_a_model_sees_it() {
    for (broken, models) in SEEN {
        for model in *models {
            let outcome = model.run(Some(*broken));
            assert!(outcome.fault.is_some(), "{broken:?} is broken, and `{}` sees nothing: {outcome:?}", model.name);
        }
    }
}

/// If this fails, loom has learnt something: move the row to the other table.
#[test]
fn loads_that_are_done_late_are_beyond_loom() {
    for (broken, models) in BEYOND_LOOM {
        for model in *models {
            let outcome = model.run(Some(*broken));
            assert_eq!(outcome.fault, None, "{broken:?} is broken, and `{}` sees it", model.name);
        }
    }
}
