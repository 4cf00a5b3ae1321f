from runsum.cli import main

main()
