#pragma once

#include <string>
#include <vector>

#include "engine/io/h5ad/h5ad_frame_writer.h"
#include "engine/io/result_writer.h"

namespace maskclass::io {

/// Writes the columns of obs of header.inputs below each other, for the cells of the header, as
/// anndata.concat(join="outer") would: every column that any .h5ad among them has, in the order in
/// which they first come; cells of an input without it have no value. Numbers stay numbers (whole
/// ones where all are and none is missing; missing is NaN), booleans booleans, and text becomes
/// categories, unless all of it is plain and none is missing; numbers in one input and text in
/// another become text. Columns called maskclass_... are passed over.
///
/// Returns what is not carried over, an entry for each input ("a.h5ad: obsm/X_pca, uns/log1p"):
/// all but obs, which belongs to one input alone, columns of other kinds, and the obs of a file
/// that was replaced since it was read. The caller holds a hdf5::Session.
std::vector<std::string> carry_joined_obs(const ResultHeader& header, FrameWriter& target);

}  // namespace maskclass::io
