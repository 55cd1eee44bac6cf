#import "bridge.h"

#include <string>
#include <vector>

#include "app.h"
#include "program.h"

int PocketbenchRun(
    NSArray<NSString *> *arguments,
    NSString *home,
    NSString * (^conditions)(NSString *when)) {
  std::vector<std::string> words;
  for (NSString *argument in arguments) words.emplace_back(argument.UTF8String);

  pocketbench::App app;
  app.home = home.fileSystemRepresentation;
  app.conditions = [conditions](std::string_view when) {
    NSString *name = [[NSString alloc] initWithBytes:when.data()
                                              length:when.size()
                                            encoding:NSUTF8StringEncoding];
    return std::string(conditions(name).UTF8String);
  };
  const auto engine = pocketbench::make_engine();
  app.measure = [&engine](int argc, char **argv, int file_descriptor) {
    return pocketbench::run_program(*engine, argc, argv, file_descriptor);
  };
  return pocketbench::run_app(app, std::move(words));
}
