#include "engine/io/labels.h"

#include "tests/io/scratch.h"

using maskclass::ErrorKind;
using maskclass::io::read_labels;
using maskclass::test::check_error;
using maskclass::test::gzip;
using maskclass::test::Scratch;

namespace {

using Names = std::vector<std::string>;

Names read(const std::string& name, const std::string& text, const std::string& column,
           const Names& cells) {
  const Scratch scratch;
  return read_labels(scratch.file(name, text), column, cells);
}

}  // namespace

TEST_CASE("labels come in the order of the cells, with or without a header") {
  const Names wanted = {"T", "B"};
  CHECK(read("l.tsv", "c1\tB\nc2\tT\nc3\tNK\n", "", {"c2", "c1"}) == wanted);
  CHECK(read("l.tsv.gz", gzip("barcode\tlabel\nc1\tB\nc2\tT\n"), "", {"c2", "c1"}) == wanted);
  CHECK(read("l.csv", "cell,batch,group\nc1,x,B\nc2,y,T\n", "", {"c2", "c1"}) == wanted);
  CHECK(read("l.csv", "cell,batch,kind\nc1,x,B\nc2,y,T\n", "kind", {"c2", "c1"}) == wanted);
  CHECK(read("l.csv", "\"c1\",\"B, naive\"\n", "", {"c1"}) == Names{"B, naive"});
}

TEST_CASE("label files that do not fit") {
  check_error(ErrorKind::data, {"l.tsv", "no label", "'c9'"}, [] {
    read("l.tsv", "c1\tB\n", "", {"c1", "c9"});
  });
  check_error(ErrorKind::data, {"l.tsv:3", "'c1'", "'T'", "'B'"},
              [] { read("l.tsv", "c1\tB\nc2\tB\nc1\tT\n", "", {"c1"}); });
  check_error(ErrorKind::data, {"l.tsv:2", "3 columns"},
              [] { read("l.tsv", "c1\tB\nc2\tB\tx\n", "", {"c1"}); });
  check_error(ErrorKind::data, {"l.tsv:1", "one column"}, [] {
    read("l.tsv", "B\nT\n", "", {"c1", "c2"});
  });
  check_error(ErrorKind::data, {"no header"}, [] { read("l.tsv", "c1\tB\tx\n", "", {"c1"}); });
  check_error(ErrorKind::usage, {"'kind'", "'batch', 'size'"},
              [] { read("l.tsv", "cell\tbatch\tsize\nc1\tB\t1\n", "kind", {"c1"}); });
  check_error(ErrorKind::usage, {"name the column", "'batch', 'size'"},
              [] { read("l.tsv", "cell\tbatch\tsize\nc1\tB\t1\n", "", {"c1"}); });
  check_error(ErrorKind::usage, {"no header"}, [] { read("l.tsv", "c1\tB\n", "kind", {"c1"}); });
}
