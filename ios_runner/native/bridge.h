// From Swift to the measurement loop.
#import <Foundation/Foundation.h>

NS_ASSUME_NONNULL_BEGIN

// Runs one launch and returns its exit code; see app.h. Takes the thread it is
// called on, so not the main one: iOS kills an app whose main thread does not answer.
int PocketbenchRun(
    NSArray<NSString *> *arguments,
    NSString *home,
    NSString * (^conditions)(NSString *when));

NS_ASSUME_NONNULL_END
