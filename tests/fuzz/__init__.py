"""What the fuzzer feeds to the parsers of the reader."""
