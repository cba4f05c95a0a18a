#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/matrix/csr.h"

/// Files made by Python's anndata when the tests run, and the values they hold. The formulas are
/// those of fixture_values.py, written twice on purpose.
namespace maskclass::io::test {

constexpr std::int64_t kCells = 41;
constexpr std::int64_t kGenes = 29;

/// The count of a cell and a gene.
float expected_count(std::int64_t cell, std::int64_t gene);
std::string expected_cell_name(std::int64_t cell);
std::string expected_gene_name(std::int64_t gene);
std::string expected_symbol(std::int64_t gene);

/// All counts as compressed rows.
CsrMatrix expected_counts();
std::vector<std::string> expected_cell_names();
std::vector<std::string> expected_gene_names();

/// The folder of the fixtures, made once; nothing, and a message, without a Python that has
/// anndata. Tests then return.
std::optional<std::filesystem::path> fixtures();

/// Runs check_h5ad.py, which prints what is wrong; whether nothing is.
bool check_passes(const std::string& arguments);

/// The message of the Error that `work` throws; fails the test where it throws none.
template <class Work>
std::string message_of(const Work& work);

}  // namespace maskclass::io::test

#include <doctest/doctest.h>

#include "engine/error.h"

template <class Work>
std::string maskclass::io::test::message_of(const Work& work) {
  try {
    work();
  } catch (const maskclass::Error& error) {
    CHECK(error.kind() == maskclass::ErrorKind::data);
    return error.what();
  }
  FAIL("no error");
  return "";
}
