#include "engine/io/text/table_reader.h"

#include "engine/io/text/name_patterns.h"
#include "tests/io/scratch.h"

using maskclass::ErrorKind;
using maskclass::io::Dataset;
using maskclass::io::looks_like_cell;
using maskclass::io::looks_like_gene;
using maskclass::io::Orientation;
using maskclass::io::read_counts;
using maskclass::io::ReadOptions;
using maskclass::test::check_error;
using maskclass::test::gzip;
using maskclass::test::Log;
using maskclass::test::Scratch;

namespace {

using Names = std::vector<std::string>;

/// Two cells, three genes: 5 0 7 and 0 1 2.
void check_matrix(const Dataset& dataset) {
  CHECK(dataset.counts.n_cells == 2);
  CHECK(dataset.counts.n_genes == 3);
  CHECK(dataset.counts.indptr == std::vector<std::int64_t>{0, 2, 4});
  CHECK(dataset.counts.indices == std::vector<std::int32_t>{0, 2, 1, 2});
  CHECK(dataset.counts.values == std::vector<float>{5, 7, 1, 2});
}

Dataset read(const std::string& name, const std::string& text,
             Orientation orientation = Orientation::detect) {
  const Scratch scratch;
  ReadOptions options;
  options.orientation = orientation;
  return read_counts(scratch.file(name, text), options);
}

}  // namespace

TEST_CASE("cells or genes as rows, with and without corner, quoted, other line ends") {
  const std::string cells_down = "cell,ACTB,GAPDH,INS\nc1,5,0,7\nc2,0,1,2\n";
  const std::string genes_down = "gene\tc1\tc2\nACTB\t5\t0\nGAPDH\t0\t1\nINS\t7\t2\n";
  Dataset dataset;
  SUBCASE("cells") {
    dataset = read("a.csv", cells_down);
  }
  SUBCASE("cells, gzip") {
    dataset = read("a.csv.gz", gzip(cells_down));
  }
  SUBCASE("genes") {
    dataset = read("a.tsv", genes_down);
  }
  SUBCASE("genes, told so") {
    dataset = read("a.tsv", "\tc1\tc2\nACTB\t5\t0\nGAPDH\t0\t1\nINS\t7\t2\n",
                   Orientation::genes_are_rows);
  }
  SUBCASE("R's header, quoted") {
    dataset =
        read("a.csv", "\"ACTB\",\"GAPDH\",\"INS\"\r\n\"c1\",5,0,\"7\"\r\n\"c2\", 0 ,1,2.0\r\n",
             Orientation::cells_are_rows);
  }
  SUBCASE("no line end") {
    dataset = read("a.csv", cells_down.substr(0, cells_down.size() - 1));
  }
  CHECK(dataset.cell_names == Names{"c1", "c2"});
  CHECK(dataset.gene_names == Names{"ACTB", "GAPDH", "INS"});
  check_matrix(dataset);
}

TEST_CASE("quoted names keep separators and quotes") {
  const Dataset dataset = read("a.csv", "cell,\"HLA, A\",\"5\"\"-x\"\n\"c,1\",1,2\n");
  CHECK(dataset.gene_names == Names{"HLA, A", "5\"-x"});
  CHECK(dataset.cell_names == Names{"c,1"});
}

TEST_CASE("names that tell cells from genes") {
  for (const char* gene :
       {"ENSG00000139618", "ENSMUSG00000064351.2", "MT-ND1", "mt-Nd1", "RPL13A", "Rps6",
        "ERCC-00002", "LINC00115", "FBgn0031081", "ACTB", "Gapdh", "Gene12", "gene_3"}) {
    INFO(gene);
    CHECK(looks_like_gene(gene));
    CHECK(!looks_like_cell(gene));
  }
  for (const char* cell :
       {"AAACATACAACCAC", "AAACCTGAGAAACCAT-1", "donor1_ACGTACGTAC", "GSM1657871", "SRR123456",
        "Cell1", "cell_12", "SRP055810.SRS862748x_ACGTACGT"}) {
    INFO(cell);
    CHECK(looks_like_cell(cell));
    CHECK(!looks_like_gene(cell));
  }
  for (const char* neither : {"A1", "sample", "GENE", "cell", "CAT", "GATA3", "RPLX", "x"}) {
    INFO(neither);
    CHECK(!looks_like_cell(neither));
    CHECK(!looks_like_gene(neither));
  }
}

TEST_CASE("a table that does not tell is refused, one that does is logged") {
  check_error(ErrorKind::usage, {"a.csv", "--orientation cells-are-rows"},
              [] { read("a.csv", ",x,y\na,1,2\nb,3,4\n"); });
  // Both say genes.
  check_error(ErrorKind::usage, {"--orientation"},
              [] { read("a.csv", ",ACTB,GAPDH\nMT-ND1,1,2\nRPL3,3,4\n"); });
  const Scratch scratch;
  Log log;
  const auto path = scratch.file("a.csv", ",AAACATACAACCAC,AAACATTGAGCTAC\nfoo,1,2\nbar,0,4\n");
  CHECK(read_counts(path, {}, log.callbacks()).counts.n_cells == 2);
  CHECK(log.has("the rows are genes"));
}

TEST_CASE("tables that are wrong are named with their line") {
  const auto refused = [](const std::string& text, const std::vector<std::string>& parts) {
    INFO("file: ", text);
    check_error(ErrorKind::data, parts, [&] { read("a.csv", text); });
  };
  refused("cell,ACTB,GAPDH\nc1,1,2\nc2,1\n", {"a.csv:3", "'c2'", "1 values", "2 columns"});
  refused("cell,ACTB,GAPDH\nc1,1,2\nc2,1,2,3\n", {"a.csv:3", "3 values", "2 columns"});
  refused("cell,ACTB,GAPDH\nc1,1,2\nc2,1,B cell\n", {"a.csv:3", "'B cell'", "'GAPDH'", "'c2'"});
  refused("cell,ACTB,GAPDH\nc1,1,2\nc2,1,\n", {"a.csv:3", "empty field", "'GAPDH'"});
  refused("cell,ACTB,GAPDH\nc1,,2\n", {"a.csv:2", "empty field", "'ACTB'"});
  refused("cell,ACTB,GAPDH\nc1,NA,2\n", {"a.csv:2", "'NA'"});
  refused("cell,ACTB,GAPDH\n,1,2\n", {"a.csv:2", "no name"});
  refused("cell,ACTB,GAPDH\n\"c1,1,2\n", {"a.csv:2", "quoted"});
  refused("cell,ACTB,GAPDH\nc1,\"1,2\n", {"a.csv:2", "quoted"});
  refused("cell,ACTB,GAPDH\n", {"a.csv", "header only"});
  refused("cell\tACTB\nc1\t1\n", {"a.csv:1", "commas"});
  refused("c1,5,3,9\nc2,1,2,3\n", {"a.csv:1", "numbers where the names"});
  refused("cell,ACTB,GAPDH\nc1,1,nan\n", {"'c1'", "'GAPDH'", "NaN"});
  refused("cell,ACTB,GAPDH\nc1,1,-2\n", {"'c1'", "'GAPDH'", "negative"});
  refused("cell,ACTB,GAPDH\nc1,1,2.5\n", {"'c1'", "'GAPDH'", "not a whole number"});
}
